#if os(Linux)
import Foundation

/// Runs a program under strace(1), which records its system calls or makes some of them fail.
public struct SystemCallTrace: Sendable {
    /// A system call that has ended.
    public struct Call: Sendable {
        public let name: String
        /// As strace prints them, each descriptor with the path of its file.
        public let arguments: String
        public let result: String
        /// When it began and ended: numbers that grow with the time.
        public let began: Int
        public let ended: Int
    }

    /// Why there can be none here; nil if there can.
    public static let obstacle: String? = Subprocess.find("strace") == nil ? "there is no strace" : nil

    private let directory: TemporaryDirectory
    private let options: [String]

    /// - Parameters:
    ///   - names: of the system calls to record.
    ///   - injecting: what strace does to them, such as `linkat:error=EPERM`.
    ///   - path: only calls with this path, as they name it; nil for all.
    public init(_ names: [String] = [], injecting faults: [String] = [], path: String? = nil) throws {
        directory = try TemporaryDirectory()
        // strace does nothing to calls that it does not record.
        let all = names + faults.map { String($0.prefix { $0 != ":" }) }
        options =
            ["-e", "trace=" + all.joined(separator: ",")] + faults.flatMap { ["-e", "inject=" + $0] }
            + (path.map { ["-P", $0] } ?? [])
    }

    /// For a shell, which replaces itself by the program in its arguments.
    public var command: String {
        let arguments = ["strace", "-D", "-f", "-y", "-o", directory.path("calls")] + options
        return "exec \(arguments.joined(separator: " ")) \"$@\""
    }

    /// Traces a running process, until the result is terminated.
    public func attach(to process: Subprocess) async throws -> Subprocess {
        let identifier = "\(process.processIdentifier)"
        let tracer = try Subprocess("strace", ["-f", "-o", directory.path("calls"), "-p", identifier] + options)
        let isAttached = try await eventually { tracer.errorOutputSoFar.contains("attached") }
        guard isAttached else { throw FaultError("strace: \(tracer.errorOutputSoFar)") }
        return tracer
    }

    /// The calls so far, in the order in which they ended.
    public func calls() throws -> [Call] {
        let line = /^(\d+) +(?:<\.\.\. )?(\w+)(?:\((.*)| resumed>(.*))$/
        var running: [Substring: (began: Int, arguments: Substring)] = [:]
        var calls: [Call] = []
        let text = String(decoding: try directory.read("calls"), as: UTF8.self)
        for (number, text) in text.split(separator: "\n").enumerated() {
            guard let match = text.wholeMatch(of: line)?.output, let rest = match.3 ?? match.4 else { continue }
            if rest.hasSuffix("<unfinished ...>") {
                running[match.1] = (number, rest)
                continue
            }
            let start = running.removeValue(forKey: match.1)
            let result = rest.split(separator: "= ", omittingEmptySubsequences: false).last ?? ""
            calls.append(
                Call(
                    name: String(match.2), arguments: String((start?.arguments ?? "") + rest), result: String(result),
                    began: start?.began ?? number, ended: number))
        }
        return calls
    }
}
#endif
