/// The header fields of a message, in order, repeated ones kept (RFC 9110 §5).
public struct HeaderFields: Hashable, Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral,
    CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// One field line.
    public struct Field: Hashable, Sendable {
        /// As written; compared without case.
        public let name: String
        /// Without white space around it.
        public let value: String

        /// Checked when it is sent.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    private var fields: [Field] = []

    /// None.
    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map(Field.init)
    }

    public var startIndex: Int { fields.startIndex }
    public var endIndex: Int { fields.endIndex }
    public subscript(position: Int) -> Field { fields[position] }

    /// The value of the field of that name, in any case. Several lines of one field are joined by
    /// `, ` (RFC 9110 §5.3), which is right for every field but Set-Cookie: see ``values(of:)``.
    public subscript(name: String) -> String? {
        let values = values(of: name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The values of all lines of a field, in order.
    public func values(of name: String) -> [String] {
        var values: [String] = []
        for field in fields where Self.isEqual(field.name, name) { values.append(field.value) }
        return values
    }

    /// Adds a line, whether or not there is one of that name.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

    /// Adds to the value of the last line, if there is one.
    mutating func extendLast(_ more: String) {
        guard let last = fields.popLast() else { return }
        append(last.name, last.value + more)
    }

    /// The names alone: values may be credentials.
    public var description: String { fields.map(\.name).joined(separator: ", ") }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, unlabeledChildren: fields.map(\.name)) }

    static func isEqual(_ name: String, _ other: String) -> Bool {
        guard name.utf8.count == other.utf8.count else { return false }
        var (name, other) = (name, other)
        return name.withUTF8 { name in
            other.withUTF8 { other in
                name.indices.allSatisfy { lowercased(name[$0]) == lowercased(other[$0]) }
            }
        }
    }

    /// Names are ASCII (RFC 9110 §5.1).
    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
