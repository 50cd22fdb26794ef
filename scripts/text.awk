# Writes 16 MiB of mixed text, always the same bytes: log lines, JSON and prose, as in a backup. Text that compresses
# well and text that does not alternate closely.

function random(n) {  # Park and Miller's minimal standard generator.
    seed = (seed * 16807) % 2147483647
    return int(seed / 2147483647 * n)
}

function word() { return words[1 + random(count)] }

BEGIN {
    seed = 20071
    count = split("error warning info debug request response connection timeout upload download " \
        "client server buffer stream parser thread memory cache retry queue handler session token " \
        "user admin index table query insert select update delete", words, " ")
    for (bytes = 0; bytes < 16 * 1024 * 1024; bytes += length(line) + 1) {
        kind = random(10)
        if (kind < 4) {
            line = sprintf("2026-%02d-%02dT%02d:%02d:%02d.%06dZ %s [%d] %s %s took %d ms from 10.%d.%d.%d",
                1 + random(12), 1 + random(28), random(24), random(60), random(60), random(1000000),
                words[1 + random(4)], random(65536), word(), word(), random(70) * random(70),
                random(256), random(256), random(256))
        } else if (kind < 7) {
            line = sprintf("{\"id\":%d,\"name\":\"%s-%s\",\"values\":[0.%04d,0.%04d,0.%04d],\"active\":%s}",
                random(1000000000), word(), word(), random(10000), random(10000), random(10000),
                random(2) ? "true" : "false")
        } else {
            line = word()
            for (i = 8 + random(12); i > 0; i--) line = line " " word()
        }
        print line
    }
}
