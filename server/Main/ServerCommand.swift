import ArgumentParser
import ContentCoding
import Logging
import NIOCore
import Platform
import Receiver

@main
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Receives files over HTTP and stores them while they arrive.",
        discussion: """
            To send a file:  curl -F file=@FILE http://127.0.0.1:3000
            or:              curl -T FILE http://127.0.0.1:3000
            or open http://127.0.0.1:3000 in a browser and drop files on the page.

            Each option has an environment variable, which the command line overrides. The variables are:
            \(Self.variables)

            SIZE is a number of bytes; K, M, G and T stand for powers of 1024.
            """
    )

    @OptionGroup(title: "Network") var listening: ListeningOptions
    @OptionGroup(title: "Storage") var storage: StorageOptions
    @OptionGroup(title: "Object store") var s3: S3Options
    @OptionGroup(title: "Forms") var forms: FormOptions
    @OptionGroup(title: "Uploads that are cut off") var resumption: ResumptionOptions
    @OptionGroup(title: "Access") var access: AccessOptions
    @OptionGroup(title: "Operation") var operation: OperationOptions

    private static let options =
        ListeningOptions.names + StorageOptions.names + S3Options.names + FormOptions.names + ResumptionOptions.names
        + AccessOptions.names + OperationOptions.names

    private static var variables: String {
        (options + StorageOptions.flags).map { "  " + EnvironmentVariables.name(of: $0) }.joined(separator: "\n")
    }

    static func main() async {
        let commandLine = Array(CommandLine.arguments.dropFirst())
        let (arguments, names) = EnvironmentVariables.arguments(
            options: options, flags: StorageOptions.flags, lists: AccessOptions.lists, required: AccessOptions.required,
            commandLine: commandLine)
        do {
            var command = try parseAsRoot(arguments + commandLine)
            if let server = command as? ServerCommand { try await server.run() } else { try command.run() }
        } catch {
            if exitCode(for: error) == .validationFailure, !names.isEmpty {
                let note = "from the environment: \(names.joined(separator: ", "))\n"
                _ = write(STDERR_FILENO, note, note.utf8.count)
            }
            exit(withError: error)
        }
    }

    func run() async throws {
        let (format, level) = (operation.logFormat, operation.logLevel)
        let log = try LogQueue { count in
            LogLine(
                .warning, "\(count == 1 ? "1 line was" : "\(count) lines were") dropped", label: "log", format: format)
        }
        defer { log.flush() }
        LoggingSystem.bootstrap { LineLogHandler(logLevel: level, label: $0, format: format, queue: log) }
        FileDescriptorLimit.raise()
        let logger = Logger(label: "server")
        let files: any Storage =
            if storage.discard {
                DiscardStorage()
            } else if let store = try s3.storage(keepsPaths: storage.keepPaths) {
                store
            } else {
                try DirectoryStorage(path: storage.dir, durability: storage.durability, keepsPaths: storage.keepPaths)
            }
        let configuration = configuration
        let receiver = try Receiver(storage: files, configuration: configuration, logger: logger)
        do {
            try await receiver.run { address in
                print("listening on \(Self.url(of: address, isSecure: configuration.tls != nil))")
                // Immediately, even if standard output is a pipe: scripts wait for this line.
                fflush(nil)
                guard address.ipAddress.map({ !Loopback.isLoopback($0) }) ?? false else { return }
                let writers =
                    configuration.access.token == nil ? "anyone may write: see --token" : "writing requires a token"
                logger.warning("other machines can reach this server; \(writers)")
            }
        } catch {
            throw ServerError(
                description: "cannot listen on \(listening.host):\(listening.port): \(Self.reason(for: error))")
        }
    }

    private var configuration: Receiver.Configuration {
        var configuration = Receiver.Configuration()
        configuration.host = listening.host
        configuration.port = listening.port
        configuration.tls = listening.tls
        configuration.maximumBodySize = storage.maxSize?.bytes
        if let size = storage.maxDecodedSize { configuration.decoding.size = size.bytes }
        configuration.decoding.ratio = storage.maxRatio
        configuration.form = forms.limits
        configuration.replacesFiles = !storage.noReplace
        configuration.resumption = resumption.limits
        configuration.tusPath = resumption.tusPath
        configuration.access.token = access.token
        configuration.access.origins = Set(access.cors.map(\.text))
        configuration.connections.maximum = operation.maxConnections
        configuration.connections.idle = operation.idleTimeout == 0 ? nil : .seconds(operation.idleTimeout)
        configuration.connections.stall = operation.stallTimeout == 0 ? nil : .seconds(operation.stallTimeout)
        configuration.shutdownTimeout = .seconds(operation.shutdownTimeout)
        return configuration
    }

    private static func url(of address: SocketAddress, isSecure: Bool) -> String {
        let host = address.ipAddress ?? ""
        let scheme = isSecure ? "https" : "http"
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    }

    private static func reason(for error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: "another program uses the port"
        case let error as IOError: SystemError(code: error.errnoCode).description
        case is SocketAddressError, is SocketAddressError.UnknownHost: "the host is unknown"
        default: "\(error)"
        }
    }
}

/// Why the server could not start, in one line.
private struct ServerError: Error, CustomStringConvertible {
    let description: String
}
