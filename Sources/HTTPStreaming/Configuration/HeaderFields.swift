internal import Platform

/// The header fields of a message, in order, including repeated ones (RFC 9110 §5).
public struct HeaderFields: Hashable, Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral,
    CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// One field line (RFC 9110 §5.2).
    public struct Field: Hashable, Sendable {
        /// As sent or received; compared without regard to case.
        public let name: String
        /// Without surrounding white space.
        public fileprivate(set) var value: String

        /// Makes a field, which is checked when a client or a request uses it.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    private var fields: [Field] = []

    /// Makes an empty collection.
    public init() {}

    /// Makes fields from a literal such as `["Accept": "text/plain"]`; names may be repeated.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map(Field.init)
    }

    public var startIndex: Int { fields.startIndex }
    public var endIndex: Int { fields.endIndex }
    public subscript(position: Int) -> Field { fields[position] }

    /// The value of the field of that name, without regard to case; nil if there is none. Repeated lines are joined by
    /// `, ` (RFC 9110 §5.3), which is right for every field except Set-Cookie: use ``values(of:)`` there.
    ///
    /// Setting a value replaces all lines of the field by one; setting nil removes them.
    public subscript(name: String) -> String? {
        get {
            let values = values(of: name)
            return values.isEmpty ? nil : values.joined(separator: ", ")
        }
        set {
            fields.removeAll { Self.isEqual($0.name, name) }
            if let newValue { append(name, newValue) }
        }
    }

    /// The values of all lines of a field, in order; empty if there are none.
    public func values(of name: String) -> [String] {
        var values: [String] = []
        for field in fields where Self.isEqual(field.name, name) { values.append(field.value) }
        return values
    }

    /// Adds a line; lines of the same name stay.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds the fields of `other`, replacing those of the same names.
    mutating func merge(_ other: HeaderFields) {
        guard !other.isEmpty else { return }
        fields.removeAll { field in other.fields.contains { Self.isEqual($0.name, field.name) } }
        fields += other.fields
    }

    mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

    /// Appends a continuation (RFC 9112 §5.2) to the value of the last line; without lines, does nothing.
    ///
    /// - Parameter more: without surrounding white space.
    mutating func extendLast(_ more: String) {
        guard let last = fields.indices.last, !more.isEmpty else { return }
        if !fields[last].value.isEmpty { fields[last].value += " " }
        fields[last].value += more
    }

    /// The names only, since values may be credentials.
    public var description: String { fields.map(\.name).joined(separator: ", ") }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, unlabeledChildren: fields.map(\.name)) }

    static func isEqual(_ name: String, _ other: String) -> Bool {
        guard name.utf8.count == other.utf8.count else { return false }
        var (name, other) = (name, other)
        return name.withUTF8 { name in
            other.withUTF8 { other in
                name.indices.allSatisfy { ASCII.lowercased(name[$0]) == ASCII.lowercased(other[$0]) }
            }
        }
    }
}
