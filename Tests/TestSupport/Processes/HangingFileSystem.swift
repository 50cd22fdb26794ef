import Foundation

/// A file system with one file that hangs where a test wants it to, served over FUSE's own protocol.
/// Linux, as root, with python3. https://man7.org/linux/man-pages/man4/fuse.4.html
///
/// It is another process that serves it: who waits for such a file cannot be killed before an answer comes, or
/// the server is gone.
public final class HangingFileSystem: Sendable {
    /// By the numbers of <linux/fuse.h>.
    public enum Operation: Int, Sendable {
        case open = 14
        case read = 15
        /// When a descriptor of the file is closed.
        case flush = 25
    }

    private let directory: TemporaryDirectory
    private let process: Subprocess
    /// What hangs is told by the names of files.
    private let control: TemporaryDirectory

    /// Why there can be none here; nil if there can.
    public static var obstacle: String? {
        #if os(Linux)
        if getuid() != 0 { return "not root" }
        if Subprocess.find("python3") == nil { return "no python3" }
        return access("/dev/fuse", R_OK | W_OK) == 0 ? nil : "no /dev/fuse"
        #else
        return "not Linux"
        #endif
    }

    /// Where the file is.
    public var path: String { directory.path("file") }

    /// - Parameter size: of the file, which is all zeros.
    public init(size: Int) async throws {
        directory = try TemporaryDirectory()
        control = try TemporaryDirectory()
        process = try Subprocess(
            "python3", ["-c", Self.server, directory.path, control.path, "\(size)"], deadline: .seconds(60))
        guard try await process.firstLine() == "ready" else { throw FaultError("no FUSE") }
    }

    deinit { end() }

    /// From now on, that hangs.
    public func hang(_ operation: Operation) throws { try control.write([], to: "hang-\(operation.rawValue)") }

    /// Whether something hangs, or has, at that.
    public func hasHeld(_ operation: Operation) throws -> Bool {
        try control.contents().contains("held-\(operation.rawValue)")
    }

    /// Nothing hangs any more.
    public func goOn() throws {
        for name in try control.contents() { try FileManager.default.removeItem(atPath: control.path(name)) }
    }

    /// Takes the file system away; what waits for it fails.
    public func end() {
        process.terminate(SIGKILL)
        #if os(Linux)
        umount2(directory.path, Int32(MNT_DETACH))
        #endif
    }

    private static let server = """
        import ctypes, os, struct, sys, threading, time
        folder, control, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
        device = os.open('/dev/fuse', os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = b'fd=%d,rootmode=40000,user_id=0,group_id=0' % device
        if libc.mount(b'test', folder.encode(), b'fuse', 6, options) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
        print('ready', flush=True)

        def attributes(node):
            root = node == 1
            return struct.pack('=6Q10I', node, 0 if root else size, 0, 1, 1, 1, 0, 0, 0,
                               0o40755 if root else 0o100644, 1, 0, 0, 0, 4096, 0)

        def answer(unique, content, error=0):
            try:
                os.write(device, struct.pack('=IiQ', 16 + len(content), -error, unique) + content)
            except OSError:
                pass  # Nobody waits for it any more.

        def hold(operation, unique, content):
            open(f'{control}/held-{operation}', 'w').close()
            while os.path.exists(f'{control}/hang-{operation}'):
                time.sleep(0.01)
            answer(unique, content)

        while True:
            try:
                request = os.read(device, 1 << 18)
            except InterruptedError:
                continue
            except OSError:
                break
            operation, unique, node = struct.unpack_from('=IQQ', request, 4)
            content, error = b'', 0
            if operation in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET
                continue
            elif operation == 26:  # INIT
                content = struct.pack('=4I2H2I2H', 7, 31, 1 << 17, 0, 16, 12, 1 << 17, 1, 32, 0) + bytes(32)
            elif operation == 1:  # LOOKUP
                content = struct.pack('=4Q2I', 2, 0, 1, 1, 0, 0) + attributes(2)
            elif operation == 3:  # GETATTR
                content = struct.pack('=Q2I', 1, 0, 0) + attributes(node)
            elif operation in (14, 27):  # OPEN, OPENDIR
                content = bytes(16)
            elif operation == 15:  # READ
                offset, count = struct.unpack_from('=QI', request, 48)
                content = bytes(max(0, min(count, size - offset)))
            elif operation not in (18, 25, 29, 38):  # RELEASE, FLUSH, RELEASEDIR, DESTROY
                error = 38
            if os.path.exists(f'{control}/hang-{operation}'):
                threading.Thread(target=hold, args=(operation, unique, content), daemon=True).start()
            else:
                answer(unique, content, error)
        """
}
