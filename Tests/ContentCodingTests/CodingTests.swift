import ContentCoding
import Testing

@Suite("Content codings")
struct CodingTests {
    @Test("tokens are read in any case; x-gzip means gzip; other tokens are unknown") func tokens() {
        #expect(Coding(token: "gzip") == .gzip)
        #expect(Coding(token: "X-GZip") == .gzip)
        #expect(Coding(token: "Deflate") == .deflate)
        for token in ["", "identity", "br", "zstd", "gzip2", "gzip,deflate"] { #expect(Coding(token: token) == nil) }
        for coding in Coding.allCases { #expect(Coding(token: coding.token) == coding) }
    }
}
