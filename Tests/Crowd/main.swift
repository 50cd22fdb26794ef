// Uploads all files of a folder at the same time, each with its own client, and measures threads and memory:
// `crowd URL FOLDER [REPEATS]`. It is a separate process so that only its own memory is measured.
//
// Prints a line `NAME STATUS CONTENT` for each file. Then prints, each with its value, `seconds`; `agents` and
// `threads`, the maximum numbers of agent threads and of all threads; `buffers`, the maximum number of bytes granted;
// `before`, `peak` and `after`, resident memory in KiB.

#if os(Linux)
import Glibc
import HTTPStreaming

/// A value of /proc/self/status, in KiB; -1 if it is missing.
func status(_ key: String) -> Int {
    for line in lines("/proc/self/status") where line.hasPrefix("\(key):") {
        return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? -1
    }
    return -1
}

func lines(_ path: String) -> [Substring] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
}

func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if !name.hasPrefix(".") { names.append(name) }
    }
    return names
}

/// The number of agent threads, and of all threads. Agent threads are counted by distinct names: a thread started by an
/// agent, for example by Dispatch, has the agent's name at first.
func threads() -> (agents: Int, all: Int) {
    let all = names(in: "/proc/self/task")
    let names = Set(all.compactMap { lines("/proc/self/task/\($0)/comm").first })
    return (names.count { $0.hasPrefix("http-stream-") }, all.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let repeats = Int(arguments.count > 3 ? arguments[3] : "1") else {
    print("usage: crowd URL FOLDER [REPEATS]")
    exit(2)
}
var limit = rlimit()
getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
limit.rlim_cur = limit.rlim_max
setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

let (url, folder) = (arguments[1], arguments[2])
let files = names(in: folder).sorted()
let before = status("VmRSS")
let start = ContinuousClock.now
var (agents, most) = (0, 0)
var configuration = Client.Configuration()
configuration.headerFields = ["Want-Repr-Digest": "sha-256=10"]
let clients = try files.map { _ in try Client(.post, url, configuration: configuration) }
await withTaskGroup(of: Void.self) { group in
    for (name, client) in zip(files, clients) {
        group.addTask {
            for _ in 0..<repeats {
                do {
                    let response = try await client.send(.file("\(folder)/\(name)"))
                    print(name, response.status, try await response.text())
                } catch {
                    print(name, 0, error)
                }
            }
        }
    }
    let watching = Task {
        while !Task.isCancelled {
            let now = threads()
            (agents, most) = (max(agents, now.agents), max(most, now.all))
            try await Task.sleep(for: .milliseconds(20))
        }
    }
    await group.waitForAll()
    watching.cancel()
}
print("seconds", (ContinuousClock.now - start) / .seconds(1))
print("agents", agents)
print("threads", most)
print("buffers", Client.Configuration.bufferPeak)
print("before", before)
print("peak", status("VmHWM"))
print("after", status("VmRSS"))
#endif
