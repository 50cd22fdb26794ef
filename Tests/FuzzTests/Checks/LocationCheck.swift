import Platform

@testable import HTTPStreaming

/// A `Location`, whatever it contains, leads to an http or https URL in ASCII without credentials, or nowhere.
enum LocationCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        let reference = String(utf8OrLatin1: input)
        for base in ["https://user:secret@example.org:8443/a/b?c#d", "http://[::1]/"] {
            guard let url = CurlURL.resolve(reference, against: base) else { continue }
            try require(ASCII.all(of: url) { $0 > 0x20 && $0 < 0x7F }, "\(url.debugDescription) is not ASCII")
            try require(CurlURL.complaint(about: url) == nil, "\(url) is not a URL")
            try require(CurlURL.origin(of: url) != nil, "\(url) has no origin")
            guard let (separated, credentials) = CurlURL.separate(url) else {
                throw Violation(description: "\(url) cannot be separated")
            }
            try require(credentials == nil && separated == url, "\(url) has credentials")
        }
    }
}
