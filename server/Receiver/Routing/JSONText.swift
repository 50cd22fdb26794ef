/// JSON (RFC 8259) as it is written, in the order in which it is written, without white space.
package struct JSONText: Hashable, Sendable {
    package private(set) var text = ""

    package init() {}

    /// Writes an object. The members come in the order of the calls.
    package mutating func object(_ members: (inout Members) -> Void) {
        text += "{"
        // Moved there and back: with two owners, each of many objects would copy all before it.
        var object = Members(json: JSONText())
        swap(&self, &object.json)
        members(&object)
        swap(&self, &object.json)
        text += "}"
    }

    /// Writes an array.
    mutating func array<Element>(_ elements: [Element], _ write: (inout JSONText, Element) -> Void) {
        text += "["
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            write(&self, element)
        }
        text += "]"
    }

    private mutating func string(_ value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// The members of an object that is being written.
    package struct Members {
        fileprivate var json: JSONText
        private var isEmpty = true

        fileprivate init(json: JSONText) { self.json = json }

        package mutating func member(_ name: String, _ value: String) {
            key(name)
            json.string(value)
        }

        package mutating func member(_ name: String, _ value: Int) {
            key(name)
            json.text += String(value)
        }

        /// - Parameter value: a finite one; JSON knows no other.
        package mutating func member(_ name: String, _ value: Double) {
            precondition(value.isFinite, "\(value) cannot be written as JSON")
            key(name)
            json.text += value.description
        }

        mutating func member(_ name: String, _ value: Bool) {
            key(name)
            json.text += value ? "true" : "false"
        }

        mutating func member<Element>(
            _ name: String, _ elements: [Element], _ write: (inout JSONText, Element) -> Void
        ) {
            key(name)
            json.array(elements, write)
        }

        private mutating func key(_ name: String) {
            if !isEmpty { json.text += "," }
            isEmpty = false
            json.string(name)
            json.text += ":"
        }
    }
}
