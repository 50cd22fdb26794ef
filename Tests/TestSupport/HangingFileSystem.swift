import Foundation
import Synchronization

/// A file system with one file, `file`, that hangs where a test wants it to: served by this process over
/// FUSE's own protocol, without a library. Linux, as root.
/// https://man7.org/linux/man-pages/man4/fuse.4.html
public final class HangingFileSystem: Sendable {
    /// The operations, by the numbers of <linux/fuse.h>, that can be made to hang.
    public enum Operation: UInt32, Sendable {
        case open = 14
        case read = 15
        case flush = 25
    }

    private struct State {
        var hanging: Set<Operation> = []
        /// What hangs now, by the numbers of the requests.
        var held: [(operation: Operation, answer: @Sendable () -> Void)] = []
        var isOver = false
    }

    /// Where the file is.
    public var path: String { directory.path("file") }

    private let directory: TemporaryDirectory
    private let size: Int
    private let device: Int32
    private let state: Mutex<State>

    /// Why there can be none here; nil if there can.
    public static var obstacle: String? {
        #if os(Linux)
        if getuid() != 0 { return "not root" }
        return access("/dev/fuse", R_OK | W_OK) == 0 ? nil : "no /dev/fuse"
        #else
        return "not Linux"
        #endif
    }

    /// - Parameter size: of the file, whose content is ``byte(at:)``.
    public init(size: Int) throws {
        directory = try TemporaryDirectory()
        self.size = size
        device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        state = Mutex(State())
        guard device >= 0 else { throw FaultError("/dev/fuse: errno \(errno)") }
        #if os(Linux)
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0"
        guard mount("test", directory.path, "fuse", UInt(MS_NOSUID | MS_NODEV), options) == 0 else {
            throw FaultError("mount: errno \(errno)")
        }
        #endif
        Thread.detachNewThread { [self] in serve() }
    }

    public static func byte(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: offset / 253) }

    /// From now on, that hangs.
    public func hang(_ operation: Operation) { state.withLock { _ = $0.hanging.insert(operation) } }

    /// How many of those hang now.
    public func held(_ operation: Operation) -> Int {
        state.withLock { $0.held.count { $0.operation == operation } }
    }

    /// Nothing hangs any more.
    public func goOn() {
        let held = state.withLock { state in
            state.hanging = []
            defer { state.held = [] }
            return state.held
        }
        for request in held { request.answer() }
    }

    /// Takes the file system away.
    public func end() {
        goOn()
        state.withLock { $0.isOver = true }
        #if os(Linux)
        umount2(directory.path, Int32(MNT_DETACH))
        #endif
    }

    // MARK: The protocol

    /// Builds answers: the machine's byte order, no padding.
    private struct Bytes {
        var bytes: [UInt8] = []

        mutating func append(_ values: any FixedWidthInteger & Sendable...) {
            for value in values { withUnsafeBytes(of: value) { bytes += $0 } }
        }
    }

    private func serve() {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Foundation.read(device, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == ENOENT { continue }
            guard count >= 40 else { break }
            receive(Array(buffer[..<count]))
        }
        close(device)
    }

    private func receive(_ request: [UInt8]) {
        func number<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type) -> Number {
            request.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
        }
        let unique = number(8, UInt64.self)
        let node = number(16, UInt64.self)
        let code = number(4, UInt32.self)
        switch code {
        // FORGET, INTERRUPT and BATCH_FORGET have no answer.
        case 2, 36, 42: return
        case 26:
            var answer = Bytes()
            answer.append(UInt32(7), UInt32(31), UInt32(1 << 17), UInt32(0), UInt16(16), UInt16(12), UInt32(1 << 17))
            answer.append(UInt32(1), UInt16(32), UInt16(0))
            answer.bytes += [UInt8](repeating: 0, count: 32)
            send(unique, answer.bytes)
        case 1:
            var answer = Bytes()
            answer.append(UInt64(2), UInt64(0), UInt64(1), UInt64(1), UInt32(0), UInt32(0))
            send(unique, answer.bytes + attributes(of: 2))
        case 3:
            var answer = Bytes()
            answer.append(UInt64(1), UInt32(0), UInt32(0))
            send(unique, answer.bytes + attributes(of: node))
        case 14, 27:
            send(unique, [UInt8](repeating: 0, count: 16), .open)
        case 15:
            let offset = Int(number(48, UInt64.self))
            let end = min(size, offset + Int(number(56, UInt32.self)))
            send(unique, (offset..<max(offset, end)).map(Self.byte), .read)
        case 25: send(unique, [], .flush)
        case 18, 29, 38: send(unique, [])
        default: send(unique, [], error: ENOSYS)
        }
    }

    private func attributes(of node: UInt64) -> [UInt8] {
        var answer = Bytes()
        let mode: UInt32 = node == 1 ? 0o040755 : 0o100644
        answer.append(node, UInt64(node == 1 ? 0 : size), UInt64(0), UInt64(1), UInt64(1), UInt64(1))
        answer.append(UInt32(0), UInt32(0), UInt32(0), mode, UInt32(1), UInt32(0), UInt32(0), UInt32(0))
        answer.append(UInt32(4096), UInt32(0))
        return answer.bytes
    }

    private func send(_ unique: UInt64, _ content: [UInt8], _ operation: Operation? = nil, error: Int32 = 0) {
        let answer: @Sendable () -> Void = { [device] in
            var answer = Bytes()
            answer.append(UInt32(16 + content.count), -error, unique)
            answer.bytes += content
            _ = Foundation.write(device, answer.bytes, answer.bytes.count)
        }
        let isHeld = state.withLock { state in
            guard let operation, state.hanging.contains(operation) else { return false }
            state.held.append((operation, answer))
            return true
        }
        if !isHeld { answer() }
    }
}
