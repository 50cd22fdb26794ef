#if os(Linux)
import Foundation
import Synchronization
import TestSupport

/// This package's server, which is killed and started again, with the same directory and port.
final class RestartedServer: Sendable {
    let directory: TemporaryDirectory
    private let running = Mutex<ServerProcess?>(nil)
    let port: Int
    private let arguments: [String]

    init(_ arguments: [String] = []) throws {
        directory = try TemporaryDirectory()
        port = try LoopbackPort.free()
        self.arguments = arguments
    }

    deinit { running.withLock { $0?.process.terminate(SIGKILL) } }

    /// What the server has of uploads that are not complete.
    var unfinishedBytes: Int {
        get throws {
            let folders = try directory.contents().filter { $0.hasPrefix(".http-streaming-unfinished-") }
            return folders.reduce(0) { sum, folder in
                // The server renames some of its files.
                let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path(folder))) ?? []
                return files.reduce(sum) { sum, file in
                    let attributes = try? FileManager.default.attributesOfItem(
                        atPath: directory.path(folder + "/" + file))
                    return sum + (attributes?[.size] as? Int ?? 0)
                }
            }
        }
    }

    func signal(_ signal: Int32) { running.withLock { $0?.process.terminate(signal) } }

    func kill() async {
        guard let process = running.withLock({ $0.take() })?.process else { return }
        process.terminate(SIGKILL)
        _ = await process.result()
    }

    func restart() async throws {
        await kill()
        let options = arguments + ["--dir", directory.path, "--log-level", "error", "--port", "\(port)"]
        let next = try await ServerProcess.start(options, deadline: .seconds(1200))
        running.withLock { $0 = next }
    }
}
#endif
