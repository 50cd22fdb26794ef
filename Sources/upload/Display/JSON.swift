/// A value of JSON (RFC 8259), to be written on one line.
enum JSON {
    case string(String)
    case number(Int64)
    case seconds(Duration)
    case bool(Bool)
    /// With members in this order; those without a value are left out.
    case object([(String, JSON?)])
    case array([JSON])

    var text: String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .number(let number): "\(number)"
        case .seconds(let duration): "\((duration / .milliseconds(1)).rounded() / 1000)"
        case .bool(let bool): "\(bool)"
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.compactMap { name, value in value.map { "\(Self.quoted(name)):\($0.text)" } }
                .joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{202E}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Outcome {
    func json(_ options: UploadOptions) -> JSON {
        let status: JSON? =
            switch result {
            case .accepted(let status), .refused(let status): .number(Int64(status))
            case .acceptedBefore, .unverified, .failed: nil
            }
        return .object([
            ("type", .string("result")), ("files", .array(job.files.map { .string("\($0.path)") })),
            ("url", .string(Format.url(job.url))), ("accepted", .bool(exitStatus == .accepted)), ("status", status),
            ("bytes_sent", .number(bytesSent)), ("seconds", .seconds(duration)),
            ("verified", isVerified ? .bool(true) : nil),
            ("location", location.map { .string($0) }), ("error", complaint(options).map { .string($0) }),
            ("exit_status", .number(Int64(exitStatus.rawValue))),
            ("answer", options.display.verbose ? .string(String(decoding: answer, as: UTF8.self)) : nil),
        ])
    }
}

extension Summary {
    func json(duration: Duration, _ exitStatus: ExitStatus) -> JSON {
        .object([
            ("type", .string("summary")), ("requests", .number(Int64(total))), ("accepted", .number(Int64(accepted))),
            ("failed", .number(Int64(total - accepted - unsent))), ("unsent", .number(Int64(unsent))),
            ("bytes_sent", .number(bytesSent)), ("seconds", .seconds(duration)),
            ("exit_status", .number(Int64(exitStatus.rawValue))),
        ])
    }
}
