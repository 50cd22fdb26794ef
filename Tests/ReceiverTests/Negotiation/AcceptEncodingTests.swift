import ContentCoding
import Testing

@testable import Receiver

@Suite("Accept-Encoding")
struct AcceptEncodingTests {
    private static let gzip = Representation.coded(.gzip)
    private static let deflate = Representation.coded(.deflate)

    @Test(
        "the preferred form is chosen, for content that compresses and for content that does not",
        arguments: [
            (nil, .identity, .identity),
            ("", .identity, .identity),
            (" , ,", .identity, .identity),
            ("identity", .identity, .identity),
            ("gzip", gzip, .identity),
            ("GZip", gzip, .identity),
            ("x-gzip", gzip, .identity),
            ("deflate", deflate, .identity),
            ("gzip, deflate, br, zstd", gzip, .identity),
            ("br, zstd", .identity, .identity),
            ("deflate, gzip", gzip, .identity),
            ("gzip;q=0.5, deflate;q=0.8", deflate, .identity),
            ("gzip;q=0.5,deflate;q=0.500", gzip, .identity),
            ("deflate ; q=1.000 , gzip\t;\tQ=0.999", deflate, .identity),
            ("gzip;q=0", .identity, .identity),
            ("gzip;q=0.000, deflate", deflate, .identity),
            ("gzip;q=0.001", gzip, .identity),
            ("identity, gzip;q=0.5", .identity, .identity),
            ("identity;q=0.5, gzip;q=0.5", gzip, .identity),
            ("identity;q=0.1, gzip;q=0.5", gzip, .identity),
            ("*", gzip, .identity),
            ("*;q=0.1", gzip, .identity),
            ("gzip;q=0, *", deflate, .identity),
            ("gzip;q=0.5, *;q=0.7", deflate, .identity),
            ("identity, *;q=0.5", .identity, .identity),
            ("identity;q=0", nil, nil),
            ("*;q=0", nil, nil),
            ("identity;q=0, br", nil, nil),
            ("identity;q=0, gzip", gzip, gzip),
            ("gzip, *;q=0", gzip, gzip),
            ("identity;q=0, *", gzip, gzip),
            ("identity;q=0, gzip;q=0.2, deflate;q=0.3", deflate, deflate),
            ("identity, *;q=0", .identity, .identity),
            ("identity;q=0.1, *;q=0", .identity, .identity),
            // Invalid members are ignored.
            ("gzip;q=2", .identity, .identity),
            ("gzip;q=1.001", .identity, .identity),
            ("gzip;q=0.1234", .identity, .identity),
            ("gzip;q=-1, deflate", deflate, .identity),
            ("gzip;q=x, identity;q=y", .identity, .identity),
            ("gzip;quality=1", .identity, .identity),
            ("gzip;q=٠", .identity, .identity),
        ] as [(String?, Representation?, Representation?)])
    func preferences(field: String?, worthIt: Representation?, otherwise: Representation?) {
        let accepted = AcceptEncoding(field)
        #expect(accepted.preferred(isWorthCoding: true) == worthIt)
        #expect(accepted.preferred(isWorthCoding: false) == otherwise)
    }
}
