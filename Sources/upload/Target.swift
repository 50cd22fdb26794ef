import ArgumentParser
import HTTPStreaming

/// Where files are sent.
struct Target: Hashable {
    /// Absolute.
    let url: String

    /// - Parameter argument: a URL. Its scheme defaults to http.
    init(_ argument: String) throws {
        url = argument.contains("://") ? argument : "http://" + argument
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw ValidationError("the URL '\(Format.url(argument))' is neither http nor https")
        }
    }

    /// The arguments without the URL, which is the last one. With a default URL all arguments are files, unless the last
    /// one begins with a scheme.
    static func split(
        _ arguments: [String], defaultURL: String?, isFile: (String) -> Bool
    ) throws -> (files: [String], target: Target) {
        guard let last = arguments.last else { throw ValidationError("no file and no URL given") }
        let files: [String]
        let url: String
        if let defaultURL, !last.hasPrefix("http://"), !last.hasPrefix("https://") {
            (files, url) = (arguments, defaultURL)
        } else {
            (files, url) = (arguments.dropLast(), last)
            if last == "-" || !last.contains("://") && isFile(last) {
                throw ValidationError(
                    "the last argument, '\(last)', is a file: the URL belongs after it, or into UPLOAD_URL")
            }
        }
        guard !files.isEmpty else { throw ValidationError("no file given; - is standard input") }
        return (files, try Target(url))
    }

    /// Whether the path of the URL ends in a slash, or is empty: then it is a folder.
    var isFolder: Bool {
        let afterScheme = url[(url.firstRange(of: "://")?.upperBound ?? url.startIndex)...]
        let path = afterScheme.prefix { $0 != "?" && $0 != "#" }
        return path.hasSuffix("/") || !path.contains("/")
    }

    /// The URL of a file in the folder that the URL names; the URL itself if it is no folder.
    ///
    /// - Parameter name: slashes separate folders; all other bytes but unreserved ones (RFC 3986 §2.3) are
    ///   percent-encoded.
    func url(of name: Path) -> String {
        guard isFolder else { return url }
        let base = url.prefix { $0 != "?" && $0 != "#" }
        let unreserved = Array("-._~/".utf8)
        let encoded = name.bytes.map { byte -> String in
            let isAlphanumeric = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
            if isAlphanumeric || unreserved.contains(byte) { return String(UnicodeScalar(byte)) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return base + (base.hasSuffix("/") ? "" : "/") + encoded.joined() + url.dropFirst(base.count)
    }
}
