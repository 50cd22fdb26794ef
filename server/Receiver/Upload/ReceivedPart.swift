/// What is reported of one part.
struct ReceivedPart: Hashable, Sendable {
    let name: String
    /// Nil where the part is a field.
    let filename: String?
    let contentType: String?
    /// In bytes, whole, whatever has been kept of it.
    var size = 0
    /// Where the part is a field.
    var value: FieldValue?
    /// Where the part is a file that has been stored.
    var savedAs: String?
    /// In hexadecimal, where it was asked for.
    var sha256: String?
}
