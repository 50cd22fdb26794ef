import HTTPStreaming

/// What the tool exits with. docs/UPLOAD.md lists them.
enum ExitStatus: Int32, Hashable, Sendable {
    /// The server has accepted everything.
    case accepted = 0
    /// Requests failed for different reasons, or for one that has no status of its own.
    case failed = 1
    /// The command line, or a value in it, is invalid.
    case usage = 2
    /// A file could not be read, or was changed while it was sent.
    case source = 3
    /// The server refused the request: 3xx and 4xx.
    case refused = 4
    /// The server failed: 5xx, an invalid response, or stored bytes that differ from the file's.
    case server = 5
    /// There was no connection, or it was lost: name, address, TLS.
    case connection = 6
    /// A time limit was exceeded.
    case timeLimit = 7
    /// Ctrl-C.
    case interrupted = 130

    /// - Parameter status: of a response.
    init(status: Int) {
        self =
            switch status {
            case 200...299: .accepted
            case 500...: .server
            default: .refused
            }
    }

    init(_ code: ClientError.Code) {
        let classes: [(ExitStatus, [ClientError.Code])] = [
            (.usage, [.invalidURL, .invalidConfiguration, .invalidPart]),
            (.source, [.sourceUnreadable, .sourceChanged]),
            (.server, [.invalidResponse, .tooManyRedirects, .invalidContent, .responseTooLarge]),
            (
                .connection,
                [.hostNotFound, .connectionFailed, .connectionLost, .tls, .cannotSendAgain, .resumptionFailed]
            ),
            (.timeLimit, [.timedOut]),
            (.interrupted, [.cancelled]),
        ]
        self = classes.first { $0.1.contains(code) }?.0 ?? .failed
    }

    /// That of the whole from those of its files: the one that all failures have in common.
    init(of failures: Set<ExitStatus>, wasInterrupted: Bool) {
        if wasInterrupted {
            self = .interrupted
        } else {
            self = failures.count > 1 ? .failed : failures.first ?? .accepted
        }
    }
}

/// What to do after a failure, in one line without a full stop.
enum Advice {
    /// Nil where there is nothing to advise.
    ///
    /// - Parameter location: the value of that field, if there is one.
    static func afterStatus(
        _ status: Int, location: String?, isPut: Bool, isCompressed: Bool, hasCredentials: Bool
    ) -> String? {
        switch status {
        case 300...399:
            "the server redirects the request to \(location.map(Format.publicURL) ?? "another URL"): give that URL"
        case 401 where hasCredentials: "the server does not accept these credentials"
        case 401: "the server wants a token: --token-file or UPLOAD_TOKEN, or a user: --user"
        case 403 where hasCredentials: "these credentials may not write there"
        case 403: "the server does not allow this, or not without credentials: --token-file, UPLOAD_TOKEN or --user"
        case 404, 405:
            isPut
                ? "the server takes no PUT there: check the URL, or send a form, without --put"
                : "the server takes no form there: check the URL, or try --put"
        case 407:
            "the proxy wants credentials: set http_proxy or https_proxy to http://USER:PASSWORD@HOST, without --proxy"
        case 408, 504:
            "the connection may be too slow, or the server overloaded: try fewer --jobs, or "
                + (isPut ? "a higher --retry" : "--retry-all")
        case 409, 412: "the server has another version of it"
        case 411: "the server wants a length: send a file instead of a pipe, and without --compress"
        case 413: "the server takes nothing so large: ask for a higher limit, or send files one by one"
        case 415: isCompressed ? "try without --compress" : "try another --type, or --put"
        case 429, 503: "the server is busy: try again later, or with fewer --jobs"
        case 507: "the server has no space left"
        default: nil
        }
    }

    static func after(_ error: ClientError) -> String? {
        switch error.code {
        case .hostNotFound: "check the name in the URL, or --proxy"
        case .connectionFailed: "check that the server runs, and the port in the URL"
        // CURLE_GOT_NOTHING, as from a server that speaks TLS only.
        case .connectionLost where error.curlCode == 52: "check whether the server wants https, or send it again"
        case .connectionLost: "send it again"
        // CURLE_PEER_FAILED_VERIFICATION
        case .tls where error.curlCode == 60: "for a private certificate authority: --cacert FILE"
        case .timedOut: "wait longer with --timeout, or try again later"
        case .sourceChanged: "send it again when nothing writes to it"
        case .resumptionFailed: "if the server has not stored it, send it from its beginning with --retry-all"
        case .cannotSendAgain: "a pipe can be sent once only: run the command again"
        case .invalidResponse: "check that the port in the URL is that of an HTTP server, and whether it wants https"
        default: nil
        }
    }
}
