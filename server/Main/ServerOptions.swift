public import ArgumentParser
import ContentCoding
public import Logging
import Receiver

/// The names of the options, which are those of the variables too, stand beside them.
struct ListeningOptions: ParsableArguments {
    static let names = ["--port", "--host", "--tls-cert", "--tls-key"]

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 3000

    @Option(help: "The host name or address to listen on; 0.0.0.0 for all of this machine's.")
    var host = "127.0.0.1"

    @Option(
        help: ArgumentHelp(
            "A certificate, and those that issued it, in PEM: HTTPS then, with HTTP/2.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its private key, in PEM, without a password.", valueName: "file"))
    var tlsKey: String?

    var tls: Receiver.TLSFiles? {
        guard let tlsCert, let tlsKey else { return nil }
        return Receiver.TLSFiles(certificate: tlsCert, key: tlsKey)
    }

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("the port is not from 0 to 65535") }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
    }
}

struct StorageOptions: ParsableArguments {
    static let names = ["--dir", "--max-size", "--max-inflated", "--max-ratio"]
    static let flags = ["--discard"]

    @Option(help: "The directory to store files in; made where it is missing.")
    var dir = "uploads"

    @Flag(help: "Read and count what comes, and store nothing.")
    var discard = false

    @Option(
        help: ArgumentHelp(
            "How many bytes the body of one request may have. More is refused with 413. No limit unless given.",
            valueName: "size"),
        transform: ByteCount.init)
    var maxSize: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            How many bytes the body of one compressed request may stand for. More is refused with 413. No limit unless \
            given.
            """,
            valueName: "size"
        ),
        transform: ByteCount.init
    )
    var maxInflated: ByteCount?

    @Option(
        help: ArgumentHelp(
            """
            How many bytes each byte of a compressed body may stand for, on average. Looked at only beyond 16 GiB of \
            one request: what is small may well be all zeros.
            """,
            valueName: "n"
        )
    )
    var maxRatio = Receiver.Configuration().decoding.ratio

    func validate() throws {
        guard maxRatio > 0 else { throw ValidationError("the ratio is not at least 1") }
    }
}

struct AccessOptions: ParsableArguments {
    static let names = ["--token", "--cors"]
    static let lists = ["--cors"]
    /// A token that turns out to be none must not open the server.
    static let required = ["--token"]

    @Option(
        help: ArgumentHelp(
            """
            What writing takes: Authorization: Bearer TOKEN. Anyone may write unless given. Better given in the \
            environment, since other users of a machine see its command lines.
            """))
    var token: String?

    @Option(
        help: ArgumentHelp(
            """
            An origin, https://example.org, whose pages may use this server, and to whose name it answers on the \
            loopback interface, too; * for any. May be given several times; in the environment, separated by commas.
            """,
            valueName: "origin"),
        transform: Origin.init)
    var cors: [Origin] = []

    func validate() throws {
        guard token.map({ !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }) ?? true else {
            throw ValidationError("a token is of visible ASCII characters, without spaces")
        }
    }
}

struct OperationOptions: ParsableArguments {
    static let names = ["--idle-timeout", "--stall-timeout", "--grace", "--log-format", "--log-level"]

    /// A year.
    private static let longest = 31_536_000

    @Option(
        help: ArgumentHelp(
            "After how long a connection is closed on which no request comes; 0 for never.", valueName: "seconds"))
    var idleTimeout = 60

    @Option(
        help: ArgumentHelp(
            """
            After how long a request is given up of which nothing more comes, or whose response is not taken; 0 for \
            never.
            """,
            valueName: "seconds"))
    var stallTimeout = 300

    @Option(
        help: ArgumentHelp(
            "How long running requests may go on after SIGTERM or SIGINT. A second signal ends them at once.",
            valueName: "seconds"))
    var grace = 30

    @Option(help: "How lines of the log are written, to standard error.")
    var logFormat = LineLogHandler.Format.text

    @Option(help: "The least that is logged; warning leaves out the line of each request.")
    var logLevel = Logger.Level.info

    func validate() throws {
        let times = [idleTimeout, stallTimeout, grace]
        guard times.allSatisfy((0...Self.longest).contains) else {
            throw ValidationError("a time is not from 0 to \(Self.longest) seconds")
        }
    }
}

extension LineLogHandler.Format: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}
