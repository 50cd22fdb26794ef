import Foundation
import Platform
import TestSupport
import Testing

@Suite("Message digests", .timeLimit(.minutes(3)))
struct MessageDigestTests {
    private func digest(_ algorithm: DigestAlgorithm, _ bytes: [UInt8], pieces: Int = .max) -> String {
        var digest = MessageDigest(algorithm)
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
            bytes[start..<min(bytes.count, pieces == .max ? bytes.count : start + pieces)].withUnsafeBytes {
                digest.update($0)
            }
        }
        return digest.finish().map { String(format: "%02x", $0) }.joined()
    }

    // NIST, "Examples with Intermediate Values", and FIPS 180-4.
    @Test(
        "the examples of NIST",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(text: String, expected: String) { #expect(digest(.sha256, Array(text.utf8)) == expected) }

    @Test(
        "the examples of NIST for SHA-512",
        arguments: [
            (
                "abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
                    + "454d4423643ce80e2a9ac94fa54ca49f"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433a"
                    + "c7d329eeb6dd26545e96e55b874be909"
            ),
        ])
    func sha512(text: String, expected: String) { #expect(digest(.sha512, Array(text.utf8)) == expected) }

    @Test("every length around a block is the same as with sha256sum and sha512sum, in pieces of any size")
    func lengths() async throws {
        let directory = try TemporaryDirectory()
        let content = bottles(300_000)
        let lengths = [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 191, 192, 255, 256, 1000, 300_000]
        let paths = try lengths.map { try directory.write(content[..<$0], to: "\($0)") }
        for (algorithm, program) in [(DigestAlgorithm.sha256, "sha256sum"), (.sha512, "sha512sum")] {
            guard Subprocess.find(program) != nil else { continue }
            let output = try await Subprocess.run(program, paths).output
            let expected = output.split(separator: "\n").map { $0.prefix { $0 != " " } }
            for (length, expected) in zip(lengths, expected) {
                for pieces in [Int.max, 1, 7, 64, 100, 128, 1000] where pieces > 50 || length < 1000 {
                    #expect(digest(algorithm, Array(content[..<length]), pieces: pieces) == expected, "\(length)")
                }
            }
        }
    }

    @Test("base64 is that of Foundation, and is decoded") func base64() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 ^ count) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.encoded(bytes) == text)
            #expect(Base64.decoded(text) == bytes)
            #expect(Base64.decoded(text.filter { $0 != "=" }) == bytes)
        }
        for text in ["A", "AAAAA", "A===", "AA-A", "AA A", "AAAA====", "=", "====", "AA=A"] {
            #expect(Base64.decoded(text) == nil, "\(text)")
        }
    }
}
