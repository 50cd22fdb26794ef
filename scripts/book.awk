# Writes payload/book.txt: sentences made from the word lists below, always the same bytes. Its letters take one to
# four bytes in UTF-8, so that a test notices any that are damaged, lost or recoded.
#
# Every machine has an awk. To write the same bytes in all of them (mawk, gawk, BWK awk, busybox; by bytes or by
# characters), the program does not depend on what length() and substr() mean beyond ASCII, and all arithmetic stays
# below 2^53.

function random(n) {  # Park and Miller's minimal standard generator.
    seed = (seed * 16807) % 2147483647
    return int(seed / 2147483647 * n)
}

# The columns of a word. An awk that reads bytes sees continuation bytes, which take no column. One that reads
# characters never sees them.
function columns(word,    i, n, width) {
    if (word in widths) return widths[word]
    n = length(word)
    width = 0
    for (i = 1; i <= n; i++) if (!(substr(word, i, 1) in continuation)) width++
    widths[word] = width
    return width
}

function emit(word,    width) {
    width = columns(word)
    if (column > 0 && column + 1 + width > 76) {
        printf "\n"
        column = 0
    }
    if (column > 0) {
        printf " "
        column++
    }
    printf "%s", word
    column += width
}

function say(text,    words, n, i) {
    n = split(text, words, " ")
    for (i = 1; i <= n; i++) emit(words[i])
}

function endParagraph() {
    printf "\n\n"
    column = 0
}

# A language: its name, the word for "chapter", and four lists. Any choice of one from each, in
# this order, is a sentence.
function language(name, chapter, first, second, third, fourth) {
    languages++
    names[languages] = name
    chapters[languages] = chapter
    lists[languages, 1] = first
    lists[languages, 2] = second
    lists[languages, 3] = third
    lists[languages, 4] = fourth
}

function sentence(l,    k, n, choices, text, choice) {
    text = ""
    for (k = 1; k <= 4; k++) {
        n = split(lists[l, k], choices, "|")
        choice = choices[1 + random(n)]
        text = text (k > 1 ? " " : "") choice
    }
    say(text)
}

BEGIN {
    seed = 20240229
    for (i = 128; i < 192; i++) continuation[sprintf("%c", i)] = 1
    column = 0

    language("Deutsch", "Kapitel", \
        "Am frühen Morgen|Kurz vor Mitternacht|Über der Brücke|Hinter den Dünen|Trotz der Kälte|Im Märzen|Zwölf Jahre später|Während des Gewitters|Natürlich|Später", \
        "öffnete|zählte|trug|hütete|überquerte|suchte|fand|beschützte|verließ|grüßte", \
        "der Müller|die Fährfrau|das jüngste Mädchen|ein fröhlicher Bäcker|der alte Zöllner|die Königin der Möwen|niemand außer uns|ein müder Bär|die Schwägerin|jeder Schäfer", \
        "den größten Fluß des Landes.|die grüne Tür.|eine Schüssel voller Äpfel.|das längste Floß, das je gebaut wurde.|den Schlüssel zum Königreich.|die süßen Früchte.|das Öl für die Laternen.|einen Korb aus Weidenästen.|die Straße nach Überlingen.|den Strom, der nie versiegt.")
    language("Français", "Chapitre", \
        "À l’aube,|Ça et là,|Près du château,|Malgré l’été,|Après la fête,|Où finit la forêt,|Dès février,|Peut-être,|Là-bas,|Un soir de Noël,", \
        "la bergère|un vieux maître d’école|l’évêque distrait|notre cœur inquiet|la sœur aînée|un âne têtu|le pêcheur de truites|l’élève rêveur|l’hôtesse|un garçon du marché", \
        "cherchait|trouvait|gardait|emportait|dessinait|protégeait|racontait|oubliait|réparait|préférait", \
        "la clé du grenier.|une île sans nom.|des œufs frais.|le pont brisé.|l’étoile la plus éloignée.|un gâteau aux pêches.|la lettre reçue hier.|le reflet du canoë.|les forêts d’où naît la rivière.|un âpre goût de crème brûlée.")
    language("Polski", "Rozdział", \
        "O świcie|Późną jesienią|Nad rzeką|Za górą|Później|Każdego dnia|W ciszy|Tuż przed burzą|Niespodziewanie|Rzadko", \
        "niósł|śledził|znalazł|otworzył|naprawiał|wiózł|zgubił|odłożył|oglądał|wziął", \
        "młody żeglarz|stary młynarz|książę|mój wąsaty wujek|zmęczony gołąb|każdy żołnierz|wędrowiec|pszczelarz|sąsiad|żółw", \
        "łódź z dębu.|źródło wód.|pięć jabłek.|ścieżkę do lasu.|gęś i gąskę.|klucz do wieży.|księgę bez końca.|świecę.|dźwięk dzwonów.|mąkę z młyna.")
    language("Íslenska", "Kafli", \
        "Þá|Um nóttina|Við ána|Í þoku|Áður fyrr|Loksins|Á sunnudögum|Undir jökli|Handan við fjörðinn|Síðar", \
        "fann|sá|bar|geymdi|opnaði|söng um|teiknaði|elti|þekkti|læsti", \
        "gamli sjómaðurinn|stúlkan úr dalnum|hæglátur bóndi|Þórður|Æsa|köttur nágrannans|smiðurinn|ferðalangur|konungurinn|hvíti hrafninn", \
        "fjórða bátinn.|dyrnar að húsinu.|æðarfuglinn.|veginn yfir heiðina.|ljósið í glugganum.|steininn við fossinn.|bókina um ísinn.|hestinn hvíta.|brúna gömlu.|öldurnar þúsund.")
    language("Ελληνικά", "Κεφάλαιο", \
        "Το πρωί|Κάποτε|Πέρα από τη γέφυρα|Χωρίς φόβο|Αργά το βράδυ|Στο νησί|Πολλά χρόνια μετά|Σιωπηλά|Ύστερα|Κάθε άνοιξη", \
        "άνοιξε|βρήκε|κράτησε|έψαχνε|ζωγράφισε|διάβασε|έχασε|θυμήθηκε|μέτρησε|φύλαξε", \
        "ο γέρος ψαράς|η κόρη του μυλωνά|ένας ταξιδιώτης|η δασκάλα|το παιδί|ο βοσκός|η βασίλισσα|κάποιος άγνωστος|ο ήλιος|η θάλασσα", \
        "το μικρό καΐκι.|τη χαμένη πύλη.|τα κύματα.|ένα γράμμα από μακριά.|τον δρόμο προς τα βουνά.|το φως του φάρου.|το κλειδί.|την ιστορία του ποταμού.|τα σταφύλια.|τις πέτρες της όχθης.")
    language("Русский", "Глава", \
        "На рассвете|Однажды|За рекой|Поздней осенью|Вечером|Каждый год|Под дождём|Вдруг|Ещё до зари|У старого моста", \
        "нашёл|открыл|берёг|искал|построил|вспоминал|потерял|нёс|считал|увидел", \
        "старый мельник|рыжий кот|лодочник|учитель из Ельца|молодой кузнец|путешественник|мой дед|пастух|царь|чужой человек", \
        "ключ от башни.|тёплый хлеб.|большую щуку.|дорогу к морю.|письмо без адреса.|серебряный колокол.|лодку из дуба.|яблоки.|огонь на том берегу.|реку, что течёт всегда.")
    language("Tiếng Việt", "Chương", \
        "Buổi sáng,|Ngày xưa,|Bên kia sông,|Mỗi mùa xuân,|Sau cơn mưa,|Đêm ấy,|Giữa đồng lúa,|Lặng lẽ,|Từ đó,|Trước lễ hội,", \
        "người lái đò|cô giáo trẻ|ông lão đánh cá|chú mèo vàng|bà nội|người thợ rèn|đứa trẻ|chàng hoàng tử|con chim nhỏ|kẻ lữ hành", \
        "tìm thấy|giữ gìn|kể về|vẽ lại|mở ra|nhớ đến|đánh mất|đếm|ngắm|chờ đợi", \
        "chiếc thuyền gỗ.|con đường ra biển.|ánh trăng.|những quả táo đỏ.|cánh cửa cũ.|dòng nước không bao giờ ngừng.|bức thư từ phương xa.|cây cầu gãy.|tiếng chuông chùa.|ngọn đèn.")
    language("日本語", "章", \
        "朝早く、|昔々、|川の向こうで、|春になると、|雨の夜、|橋のたもとで、|静かに、|十年後、|霧の中で、|祭りの日に、", \
        "若い船頭が|老いた粉屋が|白い猫が|旅人が|漁師の娘が|山の番人が|小さな鳥が|王様が|隣の先生が|誰かが", \
        "古い鍵を|赤い林檎を|長い手紙を|木の舟を|失われた地図を|灯台の光を|終わらない本を|石の門を|海への道を|水の音を", \
        "見つけた。|守っていた。|思い出した。|数えた。|描いた。|開けた。|探していた。|運んだ。|忘れなかった。|歌った。")

    print "The Book of the River"
    print ""
    print "Generated by scripts/book.awk. Nobody wrote it, and nothing in it happened."
    print ""
    count = 0
    for (round = 1; round <= 12; round++) {
        for (l = 1; l <= languages; l++) {
            count++
            # The ornament's letters lie beyond the basic plane: four bytes each.
            printf "\n%s %d · %s\n𐌰𐍅 ∿∿∿ 🌊 ∿∿∿ 𐍅𐌰\n\n", chapters[l], count, names[l]
            for (paragraph = 1; paragraph <= 6; paragraph++) {
                for (s = 5 + random(4); s > 0; s--) sentence(l)
                endParagraph()
            }
        }
    }
    print "∎"
}
