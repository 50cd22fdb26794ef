import Platform

@testable import Multipart

/// A boundary that is read from a Content-Type has 1 to 70 visible characters, and is read again as it is written.
enum BoundaryCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        let text = String(utf8OrLatin1: input)
        for contentType in [text, "multipart/form-data; boundary=" + text] {
            guard let boundary = try? Boundary(contentType: contentType) else { continue }
            let bytes = Array(boundary.description.utf8)
            try require((1...70).contains(bytes.count), "\(bytes.count) characters")
            try require(bytes.allSatisfy { (0x20...0x7E).contains($0) } && bytes.last != 0x20, "invisible characters")
            let written = boundary.contentType
            try require((try? Boundary(contentType: written)) == boundary, "\(boundary) is written as \(written)")
        }
    }
}
