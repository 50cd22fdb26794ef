import HTTPTypes
import Multipart
import Platform
import RawStructuredFieldValues

/// Digests that have been computed.
typealias Digests = [DigestAlgorithm: [UInt8]]

/// The digests that a request or a part names in its `Repr-Digest` and `Content-Digest` fields (RFC 9530).
///
/// Both fields cover the same bytes here. In a request, these are the bytes of the body as they are sent: representation
/// data is what a content coding has made (RFC 9110 §8.1), and the server takes no parts of representations. In a part,
/// these are the bytes of its content, since parts have no coding.
struct ExpectedDigests: Hashable, Sendable {
    private struct Digest: Hashable {
        let field: String
        let algorithm: DigestAlgorithm
        let value: [UInt8]
    }

    /// In lower case.
    static let fields = ["repr-digest", "content-digest"]

    private var known: [Digest] = []
    /// The names of algorithms that the server does not know. These digests have no effect.
    private(set) var unknown: [String] = []

    var algorithms: Set<DigestAlgorithm> { Set(known.map(\.algorithm)) }

    /// - Throws: 400 for a malformed field.
    init(_ fields: HTTPFields) throws(Refusal) {
        for name in [HTTPField.Name.reprDigest, .contentDigest] {
            if let value = fields[name] { try add(value, field: name.rawName) }
        }
    }

    /// - Throws: 400 for a malformed field.
    init(_ part: PartHead) throws(Refusal) {
        for field in part.otherFields where Self.fields.contains(field.name.lowercased()) {
            try add(field.value, field: field.name)
        }
    }

    private mutating func add(_ value: String, field: String) throws(Refusal) {
        guard let members = DigestField.members(of: value) else { throw Self.malformed(field) }
        for (name, member) in members {
            guard case .item(let item) = member, case .undecodedByteSequence(let text) = item.rfc9651BareItem,
                let bytes = Base64.decoded(text)
            else { throw Self.malformed(field) }
            guard let algorithm = DigestAlgorithm(rawValue: name) else {
                if !unknown.contains(name) { unknown.append(name) }
                continue
            }
            guard bytes.count == algorithm.byteCount else { throw Self.malformed(field) }
            known.append(Digest(field: field, algorithm: algorithm, value: bytes))
        }
    }

    private static func malformed(_ field: String) -> Refusal {
        Refusal(
            .malformed,
            "the field \(field) is malformed: expected algorithms with digests in base64, as sha-256=:...: (RFC 9530)")
    }

    /// - Parameter trailer: of a request that has these digests in its header.
    mutating func add(_ trailer: ExpectedDigests) {
        known += trailer.known
        unknown += trailer.unknown.filter { !unknown.contains($0) }
    }

    /// - Parameters:
    ///   - computed: of the bytes that were received.
    ///   - bytes: what these bytes are, for the message.
    /// - Returns: which digests match. Those that were not computed are among the ignored ones.
    /// - Throws: 400 with the computed digest, if one does not match.
    func check(_ computed: Digests, of bytes: String) throws(Refusal) -> CheckedDigests {
        var (verified, ignored): ([String], [String]) = ([], unknown)
        for expected in known {
            let name = expected.algorithm.rawValue
            guard let value = computed[expected.algorithm] else {
                if !ignored.contains(name) { ignored.append(name) }
                continue
            }
            guard value == expected.value else {
                throw Refusal(
                    .malformed,
                    "\(bytes) does not match its \(expected.field): the digest of the received bytes is "
                        + "\(expected.algorithm.fieldValue(value)); nothing was stored")
            }
            if !verified.contains(name) { verified.append(name) }
        }
        return CheckedDigests(verified: verified, ignored: ignored)
    }
}

/// What became of the digests of a request or a part: the names of their algorithms.
struct CheckedDigests: Hashable, Sendable {
    /// Those that match.
    var verified: [String] = []
    /// Those without an effect: the server does not know them, or has not computed them, because the trailer that they
    /// were sent in was not announced.
    var ignored: [String] = []
}

/// The structured fields of RFC 9530.
enum DigestField {
    /// The parser takes quadratic time in the number of members. Two digests have 146 bytes.
    private static let maximumLength = 1024

    /// - Returns: nil if the field is malformed or longer than 1 KiB.
    static func members(of value: String) -> OrderedMap<String, ItemOrInnerList>? {
        guard value.utf8.count <= maximumLength else { return nil }
        var parser = StructuredFieldValueParser(Array(value.utf8))
        return try? parser.parseDictionaryFieldValue()
    }

    /// The algorithm that a `Want-Repr-Digest` field prefers (RFC 9530 §4): weights are from 0, not acceptable, to 10. Of two
    /// with the same weight, SHA-256. An invalid field asks for nothing.
    ///
    /// - Parameter value: nil if the request has no such field.
    static func wanted(_ value: String?) -> DigestAlgorithm? {
        guard let value, let members = members(of: value) else { return nil }
        var best: (algorithm: DigestAlgorithm, weight: Int64)?
        for algorithm in DigestAlgorithm.allCases {
            guard case .item(let item)? = members[algorithm.rawValue], case .integer(let weight) = item.rfc9651BareItem,
                (1...10).contains(weight), weight > best?.weight ?? 0
            else { continue }
            best = (algorithm, weight)
        }
        return best?.algorithm
    }
}
