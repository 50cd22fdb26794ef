import ContentCoding

/// In which form a file is sent.
enum Representation: Hashable, Sendable {
    case identity
    case coded(Coding)
}
