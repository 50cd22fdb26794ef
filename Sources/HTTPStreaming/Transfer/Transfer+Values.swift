internal import Platform

/// What a transfer consists of, besides its states.
extension Transfer {
    /// The body, and how it is handed to libcurl.
    struct Upload {
        let body: RequestBody
        let control: UploadControl
        let bucket: TokenBucket
        let headerList = HeaderList()
        /// Whether the request has a body without an announced length.
        let isOfUnknownLength: Bool
        /// Whether the body is long enough to ask the server first whether it takes it (`Expect`).
        let isLong: Bool
        let heartbeatInterval: Duration?
        /// The error that ended the upload from this side; libcurl learns only that a callback failed.
        var failure: ClientError?
        /// Bytes read from the body that could not be given to libcurl yet.
        var held: ArraySlice<UInt8> = []
        /// Since when there has been nothing to give.
        var idleSince = Instant.now
        /// Whether libcurl was given the whole body at once, and asks for none of it.
        var isGivenWhole = false
        /// Whether the request has an `Expect` of ours, the first line of `headerList`, rather than libcurl's.
        var hasOwnExpect = false
        /// How often sending was interrupted for an answer that turned out to be none; see ``Transfer/readBody(into:)``.
        var yieldsWithoutAnswer = 0
        /// Bytes before the content coding; nil if that is not known.
        var totalBytes: Int64?

        init(_ request: TransferRequest, _ bucket: TokenBucket, _ context: ReadContext) {
            self.bucket = bucket
            control = request.control
            heartbeatInterval = request.configuration.heartbeatInterval
            body = RequestBody(request.source, countedLength: request.countedLength, context: context)
            isOfUnknownLength = request.hasBody && body.length == nil
            totalBytes = request.hasBody ? body.plainLength : nil
            isLong = !request.isDuplex && (body.plainLength ?? .max) > Transfer.expectThreshold
        }
    }

    /// The response.
    struct Download {
        let content: ContentBuffer
        /// Whether the client asked for content codings, and decodes them.
        let isDecoded: Bool
        /// Whether the response is read while the request is written.
        let isDuplex: Bool
        var head: ResponseHeadReader
        /// Finds the end of the content where libcurl does not tell.
        var framing: ResponseFraming?
        var status: Int?
        /// When the first byte of the last header was received.
        var headBeganAt: Instant?
        /// Whether the response or the failure has been handed to the caller: upload progress ends then.
        var isHandedOver = false

        init(_ request: TransferRequest, isLongUpload: Bool) {
            let share = min(ContentBuffer.defaultHighWater, request.configuration.buffers.share)
            content = ContentBuffer(highWater: max(share, ContentBuffer.minimumHighWater))
            isDecoded = request.asksForCodings
            isDuplex = request.isDuplex
            head = ResponseHeadReader(
                expectsContinue: request.mayExpect(isLong: isLongUpload),
                digest: request.authentication.isDigest ? .awaitingChallenge(sendsEmptyBody: request.hasBody) : .none)
        }
    }

    /// Time limits, progress and metrics.
    struct Bookkeeping {
        let counter: ProgressCounter
        let progressInterval: Duration
        let connectTimeout: Duration
        let proxy: Client.Proxy
        let usesUnixSocket: Bool
        /// Whether parts are added one by one, each by a call that may ask how far the request has got.
        let isOpenEnded: Bool
        let metrics = MetricsBox()
        let beganAt = Instant.now
        var limits: TimeLimits
        /// Whether libcurl has looked at the transfer: until then, its counts are of the request before.
        var hasBegun = false
        /// When progress was reported last; nil before.
        var reportedAt: Instant?
        /// The highest count so far; a later one may be of another socket.
        var bytesAcknowledged: Int64 = 0

        init(_ request: TransferRequest) {
            counter = request.counter
            progressInterval = request.configuration.progressInterval
            connectTimeout = request.configuration.connectTimeout
            proxy = request.configuration.proxy
            usesUnixSocket = request.configuration.unixSocket != nil
            isOpenEnded = request.source?.isOpenEnded ?? false
            limits = TimeLimits(stall: request.stallTimeout, total: request.requestTimeout, at: .now)
        }
    }

    /// What the agent waits for on behalf of the transfer, besides the sockets of libcurl.
    struct Watching {
        /// When to look again at a socket that holds bytes which libcurl does not read; nil if there are none.
        var looksAgainAt: Instant?
        var socket: Int32?
        var source: Int32?
        /// See ``PendingTransfers``.
        var isPending = false
    }
}
