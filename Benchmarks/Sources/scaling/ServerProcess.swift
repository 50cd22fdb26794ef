import Foundation
import Synchronization

/// A running server, watched from outside. Linux only: elsewhere there are no figures.
final class ServerProcess: Sendable {
    private struct Peaks {
        var resident = 0
        var anonymous = 0
        var threads = 0
        var descriptors = 0
        /// Bytes on the disk of open files that have no name.
        var temporary = 0
        /// That it was sent.
        var signal: Options.Signal?
        var processes: Set<Int32> = []
    }

    private let file: String
    private let peaks = Mutex(Peaks())

    /// - Parameter file: has the identifier of the process, also after it was started again.
    init(file: String) { self.file = file }

    private var identifier: Int32? {
        (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
            Int32($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    func send(_ signal: Options.Signal) {
        guard let identifier, kill(identifier, signal == .kill ? SIGKILL : SIGTERM) == 0 else {
            print("the server of \(file) gets no signal")
            return
        }
        peaks.withLock { $0.signal = signal }
    }

    /// Notes what it needs now.
    func sample() {
        guard let identifier, let status = try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
        else { return }
        var values: [Substring: Int] = [:]
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == ":" || $0.isWhitespace })
            if words.count > 1, let value = Int(words[1]) { values[words[0]] = value }
        }
        let (descriptors, temporary) = Self.descriptors(of: identifier)
        peaks.withLock { peaks in
            peaks.processes.insert(identifier)
            peaks.resident = max(peaks.resident, values["VmHWM"] ?? 0)
            peaks.anonymous = max(peaks.anonymous, values["RssAnon"] ?? 0)
            peaks.threads = max(peaks.threads, values["Threads"] ?? 0)
            peaks.descriptors = max(peaks.descriptors, descriptors)
            peaks.temporary = max(peaks.temporary, temporary)
        }
    }

    private static func descriptors(of identifier: Int32) -> (count: Int, temporary: Int) {
        let folder = "/proc/\(identifier)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // Several descriptors may be of one file.
        var temporary: [ino_t: Int] = [:]
        for name in names {
            var status = stat()
            if stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 0 {
                temporary[status.st_ino] = Int(status.st_blocks) * 512
            }
        }
        return (names.count, temporary.values.reduce(0, +))
    }

    var summary: String {
        let peaks = peaks.withLock { $0 }
        var summary = """
            peak \(peaks.resident >> 10) MiB resident, \(peaks.anonymous >> 10) MiB anonymous; \
            \(peaks.threads) threads, \(peaks.descriptors) descriptors, \(peaks.temporary >> 20) MiB in temporary files
            """
        if let signal = peaks.signal { summary += "; SIG\(signal.rawValue)" }
        if peaks.processes.count > 1 { summary += ", started again" }
        return summary
    }
}
