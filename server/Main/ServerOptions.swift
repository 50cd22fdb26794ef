public import ArgumentParser
import ContentCoding
public import Logging
public import Receiver

// `names` lists the options that can also be given in environment variables.

struct ListeningOptions: ParsableArguments {
    static let names = ["--port", "--host", "--tls-cert", "--tls-key"]

    @Option(help: "The port to listen on. With 0 the system chooses a free one.")
    var port = 3000

    @Option(help: "The host name or address to listen on; 0.0.0.0 for all addresses of this machine.")
    var host = "127.0.0.1"

    @Option(
        help: ArgumentHelp(
            "A certificate and its issuers, in PEM. The server then speaks HTTPS, with HTTP/2.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("The private key of the certificate, in PEM, without a password.", valueName: "file"))
    var tlsKey: String?

    var tls: Receiver.TLSFiles? {
        guard let tlsCert, let tlsKey else { return nil }
        return Receiver.TLSFiles(certificate: tlsCert, key: tlsKey)
    }

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("the port must be from 0 to 65535") }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key must be given together")
        }
    }
}

struct StorageOptions: ParsableArguments {
    static let names = ["--dir", "--durability", "--max-size", "--max-decoded-size", "--max-ratio"]
    static let flags = ["--discard", "--keep-paths", "--no-replace"]

    @Option(help: "The directory to store files in. It is created if it does not exist.")
    var dir = "uploads"

    @Option(
        help: ArgumentHelp(
            """
            When an upload succeeds: full when it is on the disk, so that a power cut loses nothing; relaxed when the \
            system has it.
            """))
    var durability = Durability.full

    @Flag(help: "Read and count uploads, but store nothing.")
    var discard = false

    @Flag(help: "Store files below folders, as clients name them. By default folders are left out.")
    var keepPaths = false

    @Flag(help: "Give files that are PUT to the URL of a file a number, instead of replacing that file.")
    var noReplace = false

    @Option(
        help: ArgumentHelp(
            "The maximum size of the body of a request. A larger one is refused with 413. Default: no limit.",
            valueName: "size"),
        transform: ByteCount.init)
    var maxSize: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            The maximum size of the decoded body of a compressed request. A larger one is refused with 413. Default: no \
            limit.
            """,
            valueName: "size"
        ),
        transform: ByteCount.init
    )
    var maxDecodedSize: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            The maximum ratio of decoded to compressed bytes of a request, checked after 16 GiB of decoded bytes: smaller \
            content may consist of zeros.
            """,
            valueName: "n"
        )
    )
    var maxRatio = Receiver.Configuration().decoding.ratio

    func validate() throws {
        guard maxRatio > 0 else { throw ValidationError("the ratio must be at least 1") }
    }
}

struct AccessOptions: ParsableArguments {
    static let names = ["--token", "--cors"]
    static let lists = ["--cors"]
    /// An empty token is an error: it must not let anyone write.
    static let required = ["--token"]

    @Option(
        help: ArgumentHelp(
            """
            The token that writing requires, as Authorization: Bearer TOKEN. Default: anyone may write. Use the \
            environment variable where other users of the machine can see its command lines.
            """))
    var token: String?

    @Option(
        help: ArgumentHelp(
            """
            An origin, such as https://example.org, whose pages may use this server; * for any. On the loopback interface \
            the server also accepts requests for the host of this origin. Can be repeated; in the environment variable, \
            separate origins by commas.
            """,
            valueName: "origin"),
        transform: Origin.init)
    var cors: [Origin] = []

    func validate() throws {
        guard token.map({ !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }) ?? true else {
            throw ValidationError("a token must consist of visible ASCII characters, without spaces")
        }
    }
}

struct OperationOptions: ParsableArguments {
    static let names = [
        "--max-connections", "--idle-timeout", "--stall-timeout", "--shutdown-timeout", "--log-format", "--log-level",
    ]

    /// A year, in seconds.
    private static let maximumTime = 31_536_000

    @Option(
        help: ArgumentHelp(
            """
            The maximum number of open connections. More wait until one is closed. Default: half of the descriptors that \
            the process may have.
            """,
            valueName: "n"))
    var maxConnections: Int?

    @Option(
        help: ArgumentHelp(
            "Close a connection that has been without a request for SECONDS; 0 for never.", valueName: "seconds"))
    var idleTimeout = 60

    @Option(
        help: ArgumentHelp(
            """
            Abort a request that has stalled for SECONDS: the client sends nothing more of it, or does not read the \
            response; 0 for never.
            """,
            valueName: "seconds"))
    var stallTimeout = 300

    @Option(
        help: ArgumentHelp(
            "After SIGTERM or SIGINT, let running requests continue for SECONDS. A second signal aborts them immediately.",
            valueName: "seconds"))
    var shutdownTimeout = 30

    @Option(help: "The format of the log, which is written to standard error.")
    var logFormat = LineLogHandler.Format.text

    @Option(help: "The lowest level that is logged; with warning, successful requests are not logged.")
    var logLevel = Logger.Level.info

    func validate() throws {
        let times = [idleTimeout, stallTimeout, shutdownTimeout]
        guard times.allSatisfy((0...Self.maximumTime).contains) else {
            throw ValidationError("a timeout must be from 0 to \(Self.maximumTime) seconds")
        }
        guard maxConnections ?? 1 > 0 else { throw ValidationError("the number of connections must be at least 1") }
    }
}

extension Durability: ExpressibleByArgument {}
extension LineLogHandler.Format: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
