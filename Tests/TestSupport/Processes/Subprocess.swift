public import Foundation
import Synchronization

/// Another program, run by a test. It never outlives its deadline.
public final class Subprocess: Sendable {
    public struct Result: Sendable {
        /// The exit status, or the negated number of the signal that ended it.
        public let status: Int
        public let standardOutput: Data
        public let standardError: Data

        public var output: String { String(decoding: standardOutput, as: UTF8.self) }
        public var errorOutput: String { String(decoding: standardError, as: UTF8.self) }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let output: Collector
    private let errorOutput: Collector
    private let exit: Exit
    public let processIdentifier: Int32

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name that is looked up in `PATH`.
    ///   - input: all of its standard input; empty unless given.
    ///   - environment: in addition to the test's own.
    ///   - isOnTerminal: whether standard output and standard error are one terminal, which passes on all bytes as they
    ///     are. They are then the result's standard output.
    ///   - deadline: after so long it is killed.
    public init(
        _ executable: String, _ arguments: [String] = [], input: Data = Data(),
        environment: [String: String] = [:], isOnTerminal: Bool = false, deadline: Duration = .seconds(60)
    ) throws {
        guard let path = Self.find(executable) else { throw Failure(description: "no program \(executable)") }
        // Foundation's Process tells an exit late: it waits for all that inherited a socket of its own, which can be a
        // program that another test started at the same time.
        let terminal = isOnTerminal ? try Self.openTerminal() : nil
        let outputPipe = try terminal ?? Self.openPipe()
        let errorPipe = try Self.openPipe()
        let inputPipe = try Self.openPipe()
        let identifier = try Self.spawn(
            path, arguments, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            descriptors: [inputPipe.reading, outputPipe.writing, terminal?.writing ?? errorPipe.writing])
        for handle in [inputPipe.reading, outputPipe.writing, errorPipe.writing] { try handle.close() }
        let exit = Exit()
        processIdentifier = identifier
        output = Collector(outputPipe.reading)
        errorOutput = Collector(errorPipe.reading)
        self.exit = exit
        Thread.detachNewThread {
            try? inputPipe.writing.write(contentsOf: input)
            try? inputPipe.writing.close()
        }
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            // WIFSIGNALED, WTERMSIG and WEXITSTATUS.
            let signal = status & 0x7F
            exit.set(Int(signal == 0 ? status >> 8 & 0xFF : -signal))
        }
        Thread.detachNewThread {
            if exit.wait(for: deadline) == nil { kill(-identifier, SIGKILL) }
        }
    }

    deinit { if exit.status == nil { kill(-processIdentifier, SIGKILL) } }

    /// Runs a program to its end. Suspends; blocks no thread of the test's.
    public static func run(
        _ executable: String, _ arguments: [String] = [], input: Data = Data(),
        environment: [String: String] = [:], isOnTerminal: Bool = false, deadline: Duration = .seconds(60)
    ) async throws -> Result {
        try await Subprocess(
            executable, arguments, input: input, environment: environment, isOnTerminal: isOnTerminal,
            deadline: deadline
        ).result()
    }

    /// Starts a program in a process group of its own, with three descriptors and no others.
    private static func spawn(
        _ path: String, _ arguments: [String], environment: [String: String], descriptors: [FileHandle]
    ) throws -> Int32 {
        #if canImport(Darwin)
        var (actions, attributes): (posix_spawn_file_actions_t?, posix_spawnattr_t?) = (nil, nil)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_CLOEXEC_DEFAULT
        #else
        var (actions, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, handle) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, handle.fileDescriptor, Int32(number))
        }
        #if !canImport(Darwin)
        // Tests have opened thousands at times. A connection that another program has inherited is not closed or reset when a
        // test does so. The system gives out the lowest free number, so that few that are opened meanwhile are above the highest.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        for number in 3...(open.max() ?? 0) + 256 { posix_spawn_file_actions_addclose(&actions, number) }
        #endif
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var identifier: Int32 = 0
        let error = posix_spawn(&identifier, path, &actions, &attributes, argv, envp)
        guard error == 0 else { throw Failure(description: "\(path): \(String(cString: strerror(error)))") }
        return identifier
    }

    private static func openPipe() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(errno)") }
        return handles(ends[0], ends[1])
    }

    /// The two ends of a terminal: a program writes to the one, and a test reads what it wrote from the other.
    private static func openTerminal() throws -> (reading: FileHandle, writing: FileHandle) {
        var (screen, end): (Int32, Int32) = (-1, -1)
        guard openpty(&screen, &end, nil, nil, nil) == 0 else { throw Failure(description: "no terminal: \(errno)") }
        var settings = termios()
        tcgetattr(end, &settings)
        cfmakeraw(&settings)
        tcsetattr(end, TCSANOW, &settings)
        return handles(screen, end)
    }

    /// Programs that are started otherwise do not inherit the descriptors.
    private static func handles(_ reading: Int32, _ writing: Int32) -> (reading: FileHandle, writing: FileHandle) {
        for descriptor in [reading, writing] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return (
            FileHandle(fileDescriptor: reading, closeOnDealloc: true),
            FileHandle(fileDescriptor: writing, closeOnDealloc: true)
        )
    }

    /// Waits for the program's end, and that of its output. A process that it left behind and that keeps the output open
    /// is killed 20 s later.
    public func result() async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                let status = exit.wait(for: nil) ?? -1
                for collector in [output, errorOutput] where !collector.ends(within: .seconds(20)) {
                    kill(-processIdentifier, SIGKILL)
                }
                let result = Result(
                    status: status, standardOutput: output.soFar(), standardError: errorOutput.soFar()
                )
                continuation.resume(returning: result)
            }
        }
    }

    /// The first whole line of standard output.
    ///
    /// - Throws: ``Failure`` when none comes in time.
    public func firstLine(deadline: Duration = .seconds(20)) async throws -> String {
        let end = ContinuousClock.now + deadline
        while ContinuousClock.now < end {
            let bytes = output.soFar()
            if let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: bytes[..<newline], as: UTF8.self)
            }
            if exit.status != nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let errors = String(decoding: errorOutput.soFar(), as: UTF8.self)
        throw Failure(description: "the program printed no line: \(errors)")
    }

    /// What has come on standard error so far.
    public var errorOutputSoFar: String { String(decoding: errorOutput.soFar(), as: UTF8.self) }

    public var hasExited: Bool { exit.status != nil }

    /// Sends a signal, SIGTERM unless given, to this process only.
    public func terminate(_ signal: Int32 = SIGTERM) {
        if exit.status == nil { kill(processIdentifier, signal) }
    }

    /// The path of an executable of this package, which the test target has to depend on.
    public static func product(_ name: String) -> String {
        #if os(macOS)
        for bundle in Bundle.allBundles where bundle.bundlePath.hasSuffix(".xctest") {
            return bundle.bundleURL.deletingLastPathComponent().appendingPathComponent(name).path
        }
        #endif
        return Bundle.main.bundleURL.appendingPathComponent(name).path
    }

    /// Where a program is, or nil.
    public static func find(_ executable: String) -> String? {
        if executable.contains("/") { return executable }
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return directories.map { "\($0)/\(executable)" }.first(where: FileManager.default.isExecutableFile)
    }
}

/// Reads a pipe to its end on a thread of its own.
private final class Collector: Sendable {
    private let state = Mutex<Data>(Data())
    private let end = DispatchSemaphore(value: 0)

    init(_ handle: FileHandle) {
        Thread.detachNewThread { [self] in
            while true {
                // The bytes available. A terminal ends with an error.
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                let count = read(handle.fileDescriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                state.withLock { $0 += buffer[..<count] }
            }
            end.signal()
        }
    }

    func soFar() -> Data { state.withLock { $0 } }

    /// Waits for the end of the pipe.
    func ends(within limit: DispatchTimeInterval) -> Bool {
        guard end.wait(timeout: .now() + limit) == .success else { return false }
        end.signal()
        return true
    }
}

private final class Exit: Sendable {
    private let value = Mutex<Int?>(nil)
    private let end = DispatchSemaphore(value: 0)

    var status: Int? { value.withLock { $0 } }

    func set(_ status: Int) {
        value.withLock { $0 = status }
        end.signal()
    }

    /// - Returns: the status, or nil when the time is over.
    func wait(for duration: Duration?) -> Int? {
        let deadline = duration.map { DispatchTime.now() + .milliseconds(Int($0 / .milliseconds(1))) } ?? .distantFuture
        if end.wait(timeout: deadline) == .success { end.signal() }
        return status
    }
}
