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

    // Foundation's Process is not Sendable; only this lock's holder touches it.
    private let process: Mutex<Process>
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
    ///   - deadline: after so long it is killed.
    public init(
        _ executable: String, _ arguments: [String] = [], input: Data = Data(),
        environment: [String: String] = [:], deadline: Duration = .seconds(60)
    ) throws {
        guard let path = Self.find(executable) else { throw Failure(description: "no program \(executable)") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let outputPipe = Pipe()
        let errorPipe = Pipe()
        let inputPipe = Pipe()
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        process.standardInput = inputPipe
        let exit = Exit()
        process.terminationHandler = { process in
            exit.set(
                process.terminationReason == .exit ? Int(process.terminationStatus) : -Int(process.terminationStatus))
        }
        try process.run()
        let identifier = process.processIdentifier
        processIdentifier = identifier
        output = Collector(outputPipe.fileHandleForReading)
        errorOutput = Collector(errorPipe.fileHandleForReading)
        self.exit = exit
        self.process = Mutex(process)
        let writer = inputPipe.fileHandleForWriting
        Thread.detachNewThread {
            try? writer.write(contentsOf: input)
            try? writer.close()
        }
        Thread.detachNewThread {
            if exit.wait(for: deadline) == nil { kill(identifier, SIGKILL) }
        }
    }

    deinit { if exit.status == nil { kill(processIdentifier, SIGKILL) } }

    /// Runs a program to its end. Suspends; blocks no thread of the test's.
    public static func run(
        _ executable: String, _ arguments: [String] = [], input: Data = Data(),
        environment: [String: String] = [:], deadline: Duration = .seconds(60)
    ) async throws -> Result {
        try await Subprocess(executable, arguments, input: input, environment: environment, deadline: deadline).result()
    }

    /// Waits for the program's end, and that of its output.
    public func result() async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                let status = exit.wait(for: nil) ?? -1
                let result = Result(
                    status: status, standardOutput: output.whole(), standardError: errorOutput.whole()
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
                // What there is; read(upToCount:) would wait for all of it.
                let data = handle.availableData
                if data.isEmpty { break }
                state.withLock { $0 += data }
            }
            end.signal()
        }
    }

    func soFar() -> Data { state.withLock { $0 } }

    func whole() -> Data {
        end.wait()
        end.signal()
        return soFar()
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
