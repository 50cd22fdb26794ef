import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The calls to the operating system that the tool makes itself.
enum System {
    /// What a path names.
    enum Kind: Hashable {
        case file(size: Int64)
        case folder
        /// A pipe, a device or a socket: its size is unknown, and it can be read once only.
        case stream
    }

    /// Follows symbolic links. Nil if the path cannot be examined: opening it will give the reason.
    static func kind(of path: Path) -> Kind? {
        var status = stat()
        guard path.withCString({ stat($0, &status) }) == 0 else { return nil }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file(size: Int64(status.st_size))
        case S_IFDIR: .folder
        default: .stream
        }
    }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Ends the process at once.
    static func exit(_ status: ExitStatus) -> Never { systemExit(status.rawValue) }

    /// Nil if the variable is not set or is empty.
    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Of the terminal that standard error is, now; nil if it is none.
    static var terminalSize: (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Afterwards ``write(_:to:)`` returns when nobody reads the output any more; otherwise that would end the process.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Writes all bytes. Errors are ignored: the upload continues if its output cannot be written.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
        }
    }

    /// The beginning of a small file such as that of a token, up to 16 MiB; nil if it cannot be read.
    static func contents(of path: Path) -> [UInt8]? {
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while bytes.count < 16 << 20 {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// Asks on the terminal for a password, which is not shown while it is typed. Nil without a terminal.
    static func password(_ prompt: String) -> String? {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var settings = termios()
        guard tcgetattr(terminal, &settings) == 0 else { return nil }
        let restore = { @Sendable [settings] in
            var settings = settings
            tcsetattr(terminal, TCSADRAIN, &settings)
            write("\n", to: terminal)
        }
        // Ctrl-C and other ends of the process must not leave a terminal that shows nothing.
        let watch = SignalWatch([SIGINT, SIGTERM, SIGHUP, SIGQUIT]) {
            restore()
            _exit(ExitStatus.interrupted.rawValue)
        }
        signal(SIGTSTP, SIG_IGN)
        defer { signal(SIGTSTP, SIG_DFL) }
        settings.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(terminal, TCSADRAIN, &settings) == 0 else { return nil }
        write(prompt, to: terminal)
        var line = [UInt8](repeating: 0, count: 4096)
        let count = withExtendedLifetime(watch) { read(terminal, &line, line.count) }
        restore()
        return count > 0 ? String(decoding: line[..<count].prefix { $0 != 0x0A }, as: UTF8.self) : nil
    }

    /// Why a file cannot be read; nil if it can.
    static func obstacle(toReading path: Path) -> SystemError? {
        path.withCString { access($0, R_OK) } == 0 ? nil : SystemError(code: errno)
    }
}

func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

private func systemExit(_ status: Int32) -> Never { exit(status) }
