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
        var killed: Int32?
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

    func kill() {
        guard let identifier, Foundation.kill(identifier, SIGKILL) == 0 else {
            print("the server of \(file) cannot be killed")
            return
        }
        peaks.withLock { $0.killed = identifier }
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
        var temporary = 0
        for name in names {
            var status = stat()
            if stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 0 {
                temporary += Int(status.st_blocks) * 512
            }
        }
        return (names.count, temporary)
    }

    var summary: String {
        let peaks = peaks.withLock { $0 }
        var summary = """
            peak \(peaks.resident >> 10) MiB resident, \(peaks.anonymous >> 10) MiB anonymous; \(peaks.threads) threads, \
            \(peaks.descriptors) descriptors, \(peaks.temporary >> 20) MiB in temporary files
            """
        if peaks.killed != nil { summary += peaks.processes.count > 1 ? "; killed, started again" : "; killed" }
        return summary
    }
}
