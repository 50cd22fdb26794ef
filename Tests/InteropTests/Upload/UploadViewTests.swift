@testable import HTTPStreaming
import TestSupport
import Testing

@testable import upload

/// How progress is drawn: pure functions of the state and the size of the terminal.
@Suite("The upload tool, progress")
struct UploadViewTests {
    private let start = ContinuousClock.now

    private func job(_ index: Int, _ name: String, size: Int64?) -> Job {
        Job(index: index, files: [SourceFile(path: Path(name), name: Path(name), size: size)], url: "http://h/")
    }

    private func active(read: Int64, of size: Int64, rate: Int64, label: String = "a") -> TransferState.Active {
        var speed = Speedometer(at: start)
        speed.note(rate, at: start + .seconds(1))
        return TransferState.Active(
            label: label, size: size, read: read, fraction: Double(read) / Double(size), speed: speed)
    }

    @Test("the speed is that of the last five seconds, and begins anew with the request") func speed() {
        var speed = Speedometer(at: start)
        for second in 1...10 { speed.note(Int64(second) * 100, at: start + .seconds(second)) }
        for second in 11...20 { speed.note(1000 + Int64(second - 10) * 1000, at: start + .seconds(second)) }
        #expect(speed.rate(at: start + .seconds(20), bytes: 11_000) == 1000)
        // A stall lowers it.
        #expect(speed.rate(at: start + .seconds(25), bytes: 11_000) == 500)
        speed.note(0, at: start + .seconds(30))
        #expect(speed.rate(at: start + .seconds(31), bytes: 10) == 10)
    }

    @Test("time left is what is left at that rate") func timeLeft() {
        #expect(TransferState.timeLeft(1000, 100) == .seconds(10))
        #expect(TransferState.timeLeft(nil, 100) == nil && TransferState.timeLeft(1000, 0) == nil)
    }

    @Test("no line is as wide as the terminal, whatever the names are", arguments: [1, 5, 20, 40, 80, 200])
    func widths(columns: Int) {
        for name in ["a", String(repeating: "long/", count: 50), "日本語のファイル名.txt", "e\u{301}\u{1B}[31m\n😀"] {
            for hasColor in [false, true] {
                var state = TransferState([job(0, name, size: 100), job(1, name, size: 100)], at: start)
                state.setActive(active(read: 45, of: 100, rate: 45, label: name), at: 0)
                let view = ProgressView(columns: columns, rows: 24, hasColor: hasColor)
                let lines = view.bars(state, at: start + .seconds(1))
                #expect(lines.count == 2)
                for line in lines {
                    let plain = line.replacing("\u{1B}[32m", with: "").replacing("\u{1B}[36m", with: "")
                        .replacing("\u{1B}[0m", with: "")
                    #expect(DisplayWidth.of(plain) < max(2, columns), "\(line)")
                    #expect(!plain.contains("\u{1B}") && !plain.contains("\n"), "\(line)")
                }
            }
        }
    }

    @Test("a bar shows what is done, the rate and the time left") func bars() {
        var state = TransferState([job(0, "a.bin", size: 100_000)], at: start)
        state.setActive(active(read: 50_000, of: 100_000, rate: 50_000, label: "a.bin"), at: 0)
        let lines = ProgressView(columns: 81, rows: 24).bars(state, at: start + .seconds(1))
        #expect(lines.count == 1)
        let name = "a.bin" + String(repeating: " ", count: 21)
        #expect(
            lines[0]
                == "\(name) [\(String(repeating: "#", count: 9))\(String(repeating: "-", count: 10))]  50 %   50 kB   50 kB/s    0:01"
        )
        // For several requests there is one of all; so there is while the only one is prepared.
        let waiting = TransferState([job(0, "a.bin", size: 100_000)], at: start)
        #expect(ProgressView().bars(waiting, at: start).map { $0.prefix(7) } == ["0 of 1 "])
        var several = TransferState([job(0, "a.bin", size: 100_000), job(1, "b", size: 100_000)], at: start)
        several.setActive(active(read: 50_000, of: 100_000, rate: 50_000, label: "a.bin"), at: 0)
        let both = ProgressView(columns: 81, rows: 24).bars(several, at: start + .seconds(1))
        #expect(both.count == 2 && both[1].hasPrefix("0 of 2 ") && both[1].contains(" 25 %"), "\(both)")
    }

    @Test("the rate of a continued request counts what this process has sent") func continued() {
        var state = TransferState([job(0, "a", size: 1000)], at: start)
        state.begin(job(0, "a", size: 1000), at: start)
        #expect(!ProgressView().bars(state, at: start)[0].contains("B/s"))
        for (second, read) in [(1, 600), (2, 700), (3, 800)] {
            state.update(
                job(0, "a", size: 1000),
                UploadProgress(
                    bytesRead: Int64(read), bytesSent: Int64(read), bytesAcknowledged: nil, totalBytes: 1000, part: nil),
                before: 600, at: start + .seconds(second))
        }
        let now = start + .seconds(3)
        #expect(state.read == 800 && state.active[0]?.speed.rate(at: now, bytes: 800) == 100)
        #expect(Int(state.rate(at: now)) == 66)
    }

    @Test("as many bars as the terminal has rows for, and always the sum") func rows() {
        let jobs = (0..<50).map { job($0, "file \($0)", size: 10) }
        var state = TransferState(jobs, at: start)
        for index in 0..<50 { state.setActive(active(read: 1, of: 10, rate: 1, label: "file \(index)"), at: index) }
        for (rows, count) in [(24, 23), (2, 1), (1, 1), (100, 51)] {
            let lines = ProgressView(columns: 80, rows: rows).bars(state, at: start)
            #expect(lines.count == count && lines.last?.hasPrefix("0 of 50") == true)
        }
    }

    @Test("a retry stands in place of the figures") func retry() {
        var state = TransferState([job(0, "a", size: 100)], at: start)
        var entry = active(read: 45, of: 100, rate: 45)
        entry.retry = "status 503: attempt 2 of 3"
        state.setActive(entry, at: 0)
        #expect(ProgressView(columns: 80).bars(state, at: start)[0].contains("status 503: attempt 2 of 3"))
    }

    @Test("no URL is shown with its user and password") func urls() {
        for (url, shown) in [
            ("http://user:pass%40word@host:1/a@b?c@d", "http://host:1/a@b?c@d"), ("ftp://a@b@host", "ftp://host"),
            ("http://host/@", "http://host/@"), ("http://user@\u{301}host?@", "http://\u{301}host?@"), ("host", "host"),
        ] {
            #expect(Format.url(url).unicodeScalars.elementsEqual(shown.unicodeScalars), "\(url)")
        }
        #expect(Format.publicURL("https://a:b@h/p?\u{301}s#f") == "https://h/p" && Format.publicURL("/p#f?") == "/p")
    }

    @Test("a redirect is new once; a request that begins anew has its own") func redirects() {
        let job = job(0, "a", size: 100)
        var state = TransferState([job], at: start)
        state.begin(job, at: start)
        let redirects = ["b", "c"].map { UploadProgress.Redirect(status: 307, url: $0) }
        for (count, new) in [(0, 0..<0), (2, 0..<2), (2, 2..<2), (0, 0..<0), (1, 0..<1), (2, 1..<2)] {
            let progress = UploadProgress(redirects: Array(redirects.prefix(count)))
            #expect(state.newRedirects(job, progress) == redirects[new])
        }
    }

    @Test("a line for a log has all figures that are known") func plain() {
        var state = TransferState([job(0, "a", size: 2000), job(1, "b", size: 2000)], at: start)
        state.setActive(active(read: 1000, of: 2000, rate: 1000), at: 0)
        #expect(
            ProgressView().plain(state, at: start + .seconds(1))
                == "0 of 2, 1.0 kB of 4.0 kB (25 %), 1.0 kB/s, 0:03 left")
        var unknown = TransferState([job(0, "-", size: nil)], at: start)
        unknown.end(Outcome(job: job(0, "-", size: nil), result: .accepted(200), bytesSent: 5))
        #expect(ProgressView().plain(unknown, at: start).hasPrefix("1 of 1, 5 B, "))
    }

    @Test("JSON is escaped") func json() {
        let value = JSON.object([
            ("a\"", .string("\\\n\u{7F}ä")), ("n", nil), ("b", .array([.number(-1), .bool(true)])),
        ])
        #expect(value.text == #"{"a\"":"\\\u000a\u007fä","b":[-1,true]}"#)
        #expect(JSON.seconds(.milliseconds(1500)).text == "1.5")
    }

    @Test("bars are erased in all rows that they take after a resize") func erasedRows() {
        #expect(Screen.rows(of: [79, 79], columns: 80) == 2)
        #expect(Screen.rows(of: [79, 79], columns: 40) == 4)
        #expect(Screen.rows(of: [79], columns: 39) == 3)
        #expect(Screen.rows(of: [], columns: 80) == 0 && Screen.rows(of: [0], columns: 0) == 1)
    }

    @Test("only what lines take is erased after a resize") func shortLines() {
        var state = TransferState([job(0, "a", size: 100)], at: start)
        var entry = active(read: 45, of: 100, rate: 45)
        entry.retry = "status 503"
        state.setActive(entry, at: 0)
        let lines = ProgressView(columns: 200, rows: 24, hasColor: true).bars(state, at: start)
        let widths = lines.map { DisplayWidth.of(ProgressView.withoutColor($0)) }
        #expect(Screen.rows(of: widths, columns: 100) == 1)
    }

    @Test("long messages are wrapped between words, with an indent") func wrapping() {
        #expect(DisplayWidth.wrapped("upload: a bc def", to: 16) == "upload: a bc def")
        #expect(DisplayWidth.wrapped("upload: a bc def", to: 15) == "upload: a bc\n        def")
        #expect(DisplayWidth.wrapped("upload: 日本 日本", to: 13) == "upload: 日本\n        日本")
        #expect(DisplayWidth.wrapped("longer than that", to: 4) == "longer\n        than\n        that")
    }

    @Test("all characters that Unicode calls wide are counted as such", .enabled(if: Subprocess.find("python3") != nil))
    func wideCharacters() async throws {
        let script = """
            import unicodedata
            print(*[c for c in range(0x110000) if unicodedata.east_asian_width(chr(c)) in "WF"
                    and unicodedata.category(chr(c)) not in ("Mn", "Me", "Cf", "Cn")])
            """
        let wide = try await Subprocess.run("python3", ["-c", script]).output.split(whereSeparator: \.isWhitespace)
        #expect(wide.count > 100_000)
        let narrow = wide.compactMap { UInt32($0).flatMap(Unicode.Scalar.init) }.filter { DisplayWidth.of($0) != 2 }
        #expect(narrow == [])
    }

    @Test("wide and combining characters are counted as terminals show them") func displayWidth() {
        #expect(DisplayWidth.of("日本") == 4 && DisplayWidth.of("e\u{301}") == 1 && DisplayWidth.of("😀") == 2)
        #expect(DisplayWidth.of("⌚✅⭐") == 6 && DisplayWidth.of("❤\u{FE0F}") == 2)
        #expect(DisplayWidth.fitted("abc日本", to: 4) == "…本 ")
        #expect(DisplayWidth.fitted("ab", to: 4) == "ab  " && DisplayWidth.cut("日本", to: 3) == "日")
    }
}
