import TestSupport
import Testing

@testable import Multipart

@Suite("Parsing time is linear", .serialized, .timeLimit(.minutes(2)))
struct LinearTimeTests {
    private func expectLinear(
        small: Int, sourceLocation: SourceLocation = #_sourceLocation, _ work: (Int) -> Void
    ) {
        #expect(timeRatio(small: small, work) < linearTimeRatio, sourceLocation: sourceLocation)
    }

    private func run(_ text: [UInt8], boundary: Boundary, pieces: Int, limits: MultipartParser.Limits = .init()) {
        var parser = MultipartParser(boundary: boundary, limits: limits)
        text.withUnsafeBytes { buffer in
            var start = 0
            while start < buffer.count {
                let piece = UnsafeRawBufferPointer(rebasing: buffer[start..<min(buffer.count, start + pieces)])
                var offset = 0
                while (try? parser.next(in: piece, at: &offset)) != nil {}
                start += piece.count
            }
        }
    }

    static let boundaries = ["x", "aab", String(repeating: "x", count: 70)]

    @Test("content that resembles delimiters takes linear time", arguments: boundaries, [1, 7, Int.max])
    func content(boundary text: String, pieces: Int) throws {
        let boundary = try Boundary(text)
        let head = Array("--\(text)\r\nContent-Disposition: form-data; name=n\r\n\r\n".utf8)
        let delimiter = "\r\n--" + text
        let adversaries = [
            "\r", "\r\n", "\r\n--", "\r\r--", String(text.last ?? "x"), String(delimiter.dropLast()),
            String(delimiter.dropLast()) + "!", String(delimiter.dropFirst(2)), delimiter + "!", delimiter + "-!",
            delimiter + "\r",
        ]
        let small = pieces < 100 ? 300 : 5_000
        for adversary in adversaries {
            let unit = Array(adversary.utf8)
            expectLinear(small: small) { count in
                run(
                    head + (0..<count).map { unit[$0 % unit.count] }, boundary: boundary,
                    pieces: min(pieces, count + 200))
            }
        }
    }

    @Test("long part headers take linear time", arguments: ["x", "X: y\r\n", "X: \r\n y\r\n", "; "], [1, 4_096])
    func header(filler: String, pieces: Int) throws {
        let boundary = try Boundary("B")
        var limits = MultipartParser.Limits()
        limits.headerBytes = .max
        limits.headerLines = .max
        let unit = Array(filler.utf8)
        expectLinear(small: 1_000) { count in
            let lines =
                Array("--B\r\nContent-Disposition: form-data; name=n\r\n".utf8)
                + (0..<count).map { unit[$0 % unit.count] }
            run(lines + Array("\r\n\r\n".utf8), boundary: boundary, pieces: pieces, limits: limits)
        }
    }

    @Test(
        "long Content-Disposition values take linear time",
        arguments: ["\\", "\\\"", "a\\\\", ";", "=", "a=b;", "%2", "%22", " "])
    func disposition(filler: String) {
        let unit = Array(filler.utf8)
        expectLinear(small: 200) { count in
            let value = (0..<count).map { unit[$0 % unit.count] }
            let quoted = Array("Content-Disposition: form-data; name=n; x=\"".utf8) + value + Array("\"\r\n".utf8)
            let plain = Array("Content-Disposition: form-data; name=n; x=".utf8) + value + Array("\r\n".utf8)
            _ = try? PartHead(parsing: quoted[...])
            _ = try? PartHead(parsing: plain[...])
        }
    }
}
