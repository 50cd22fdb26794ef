public import Foundation

/// A value of /proc/…/status, such as `VmHWM` in KiB or `Threads`; of this process unless another is given. Linux only.
public func processStatus(_ key: String, of process: Int32 = getpid()) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("\(key):") }
    guard let value = line.flatMap({ Int($0.split(whereSeparator: \.isWhitespace)[1]) }) else {
        throw FaultError("no \(key)")
    }
    return value
}

/// How many descriptors this process, or another, has of what `isMeant` says, by the names that the kernel has for
/// them, such as a path or `pipe:[4711]`: other tests open and close theirs at the same time. Linux only.
public func openDescriptors(of process: Int32 = getpid(), _ isMeant: (String) -> Bool) throws -> Int {
    let folder = "/proc/\(process)/fd"
    return try FileManager.default.contentsOfDirectory(atPath: folder).count { number in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(number)")).map(isMeant) ?? false
    }
}
