import StructuredFieldValues

/// The value of a `Want-Repr-Digest` field (RFC 9530 §4): a dictionary of algorithms with weights
/// from 0, not acceptable, to 10.
struct WantedDigest: StructuredFieldValue {
    static let structuredFieldType = StructuredFieldType.dictionary

    private let sha256: Int?

    private enum CodingKeys: String, CodingKey {
        case sha256 = "sha-256"
    }

    /// Whether the field asks for SHA-256. One that cannot be read asks for nothing.
    static func includesSHA256(_ field: String) -> Bool {
        let value = try? StructuredFieldValueDecoder().decode(WantedDigest.self, from: Array(field.utf8))
        return (1...10).contains(value?.sha256 ?? 0)
    }
}
