import ArgumentParser
import HTTPStreaming

/// What is sent.
struct ContentOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("F"), .long], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Send this field before the files of each form. Can be repeated.", valueName: "name=value"),
        transform: FormField.init)
    var field: [FormField] = []

    @Option(help: ArgumentHelp("The form field of the files. Default: file.", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp("The media type of the files. Default: guessed from their names.", valueName: "type"))
    var type: String?

    @Flag(
        help:
            "Send each file as the body of a PUT instead of a form. A URL that ends in / is completed by the name of the file."
    )
    var put = false

    @Flag(help: "Send all files in one request. Default: one request for each file.")
    var together = false

    @Flag(name: .customShort("z"), help: "Compress as with --compress auto.")
    var compressAutomatically = false

    @Option(
        help: ArgumentHelp(
            """
            Compress the bodies while they are sent: gzip, deflate, gzip:9, or auto, which does not compress files that \
            are compressed already.
            """, valueName: "coding[:level]"), completion: .list(["auto", "gzip", "deflate"]),
        transform: CompressionSetting.init)
    var compress: CompressionSetting?

    /// Nil without compression.
    var coding: Client.ContentCoding? { compress?.coding ?? (compressAutomatically ? .automatic : nil) }

    func validate() throws {
        guard put else { return }
        guard field.isEmpty else { throw ValidationError("--field belongs to a form, and --put sends none") }
        guard name == nil else { throw ValidationError("--name belongs to a form, and --put sends none") }
        guard !together else { throw ValidationError("--together sends a form of all files, and --put sends none") }
    }
}

/// How it is sent.
struct TransferOptions: ParsableArguments, Sendable {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Send up to N requests at the same time. Default: 4, or UPLOAD_JOBS.", valueName: "n"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            """
            Send a request up to N times in total when the connection fails, or the server is overloaded. Default: 3, and \
            10 with --resume, counted anew whenever the server has received more.
            """, valueName: "n"))
    var retry: Int?

    @Flag(help: "Repeat forms too. The server may receive a form twice then, if only its answer was lost.")
    var retryAll = false

    @Option(
        help: ArgumentHelp(
            "Send at most this many bytes per second in total, such as 500K or 10M (powers of 1024).", valueName: "rate"
        ),
        transform: ByteCount.init)
    var limitRate: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Abort a request when no byte has moved for this long, such as 30s or 5m. Default: 5m.", valueName: "time"),
        transform: TimeLimit.init)
    var timeout: TimeLimit?

    @Flag(
        help: """
            Go on where an upload was interrupted, on servers that support that. The same command, given again, sends only \
            what is missing. Journals are in $XDG_STATE_HOME/upload, and are removed when everything has been accepted.
            """)
    var resume = false

    @Flag(help: "Compare the digest of each file with the one that the server reports of what it has stored.")
    var verify = false

    func validate() throws {
        guard (1...1000).contains(jobs ?? 1) else { throw ValidationError("--jobs is a number from 1 to 1000") }
        guard (1...1000).contains(retry ?? 1) else { throw ValidationError("--retry is a number from 1 to 1000") }
    }
}

/// Who sends it, and how the server is reached.
struct ConnectionOptions: ParsableArguments, Sendable {
    @Option(
        name: [.customShort("H"), .long], parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Send this header field with each request. Can be repeated.", valueName: "'name: value'"),
        transform: HeaderLine.init)
    var header: [HeaderLine] = []

    @Option(
        help: ArgumentHelp(
            "Read the bearer token from this file. Default: the environment variable UPLOAD_TOKEN.", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Use Basic authentication. The password is that of UPLOAD_PASSWORD, or is asked for on the terminal.",
            valueName: "user"))
    var user: String?

    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp("Trust the certificates in this PEM file instead of the system's.", valueName: "file"),
        completion: .file())
    var caFile: String?

    @Flag(
        help: """
            Do not verify the certificates of servers and https proxies. Anyone on the network can then read and change \
            what is sent.
            """)
    var insecure = false

    @Option(
        name: .customLong("cert"), help: ArgumentHelp("The client certificate, a PEM file.", valueName: "file"),
        completion: .file())
    var certificateFile: String?

    @Option(
        name: .customLong("key"),
        help: ArgumentHelp("The key of the client certificate. Default: in the same file.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        help: ArgumentHelp("The proxy, or none. Default: as the environment says (https_proxy, …).", valueName: "url"))
    var proxy: String?

    @Option(
        help: ArgumentHelp("Connect to this Unix socket instead of the host in the URL.", valueName: "path"),
        completion: .file())
    var unixSocket: String?

    @Flag(name: .customLong("http2"), help: "Use HTTP/2 with https if the server offers it, and always with http.")
    var usesHTTP2 = false

    func validate() throws {
        guard !insecure || caFile == nil else { throw ValidationError("--insecure and --cacert exclude each other") }
        guard keyFile == nil || certificateFile != nil else { throw ValidationError("--key needs --cert") }
        guard user == nil || tokenFile == nil else {
            throw ValidationError("--user and --token-file exclude each other")
        }
        guard user?.contains(":") != true else {
            throw ValidationError(
                "a password is no argument, because other users could see it: set UPLOAD_PASSWORD, or type it when asked"
            )
        }
    }
}

/// What is shown.
struct DisplayOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            How progress is shown on standard error: a bar for each request, a plain line every ten seconds, or none. \
            auto is bar on a terminal, plain elsewhere.
            """, valueName: "style"))
    var progress = ProgressStyle.auto

    @Flag(help: "Print each result as one line of JSON, and a summary at the end.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show errors only.")
    var quiet = false

    @Flag(
        name: .shortAndLong,
        help: """
            Show the server's answers, and for each request the HTTP version, the address, and the time to the first byte.
            """)
    var verbose = false

    @Flag(name: [.customShort("n"), .long], help: "Print what would be sent, and send nothing.")
    var dryRun = false

    func validate() throws {
        guard !quiet || !verbose else { throw ValidationError("--quiet and --verbose exclude each other") }
    }
}
