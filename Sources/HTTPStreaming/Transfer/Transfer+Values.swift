internal import Platform

/// The values of a transfer, besides its state machine.
extension Transfer {
    /// The request body and how it is passed to libcurl.
    struct Upload {
        let body: RequestBody
        /// Records the state of the upload on the server; nil if it cannot be resumed.
        let observer: UploadObserver?
        let control: UploadControl
        let bucket: TokenBucket
        let headerList = HeaderList()
        /// The digest that is sent behind the body; nil for none.
        let trailer: ContentDigest?
        /// Whether the request has a body without an announced length.
        let isOfUnknownLength: Bool
        /// Whether the body is long enough for `Expect: 100-continue`.
        let isLong: Bool
        /// The error that ended the upload on this side; libcurl's own error says only that a callback failed.
        var failure: ClientError?
        /// Bytes that were read from the body but not passed to libcurl yet; see ``Transfer/mayBeAnswered``.
        var deferredBytes: ArraySlice<UInt8> = []
        /// When the body had no more bytes to send, or the last heartbeat was sent.
        var idleSince = Instant.now
        /// Whether libcurl has a copy of the whole body, and does not call the read callback.
        var isBodyCopied = false
        /// Whether the first line of `headerList` is an `Expect` field.
        var hasOwnExpect = false
        /// How often sending was interrupted since the last header line; see ``Transfer/mayBeAnswered``.
        var yieldsWithoutAnswer = 0
        /// The length of the body before the content coding, in bytes; nil if it is not known.
        var totalBytes: Int64?

        init(_ request: TransferRequest, _ bucket: TokenBucket, _ context: ReadContext) {
            self.bucket = bucket
            control = request.control
            trailer = request.trailer
            observer = request.upload
            body = RequestBody(
                request.source, from: request.start, countedLength: request.countedLength, context: context)
            isOfUnknownLength = request.hasBody && body.length == nil
            totalBytes = request.hasBody ? body.plainLength : nil
            isLong = !request.isDuplex && (body.plainLength ?? .max) > Transfer.expectThreshold
        }
    }

    /// The response.
    struct Download {
        let content: ContentBuffer
        /// Whether the client decodes content codings that it has asked for.
        let isDecoded: Bool
        /// Whether the response is read while the request is written.
        let isDuplex: Bool
        var head: ResponseHeadReader
        /// Finds the end of the content of a duplex request.
        var framing: ResponseFraming?
        var status: Int?
        /// When the first byte of the last header was received.
        var headBeganAt: Instant?
        /// Whether the caller has got the response or the error. No upload progress is reported after that.
        var isHandedOver = false

        init(_ request: TransferRequest, isLongUpload: Bool) {
            let share = min(ContentBuffer.defaultHighWater, request.configuration.buffers.share)
            content = ContentBuffer(highWater: max(share, ContentBuffer.minimumHighWater))
            isDecoded = request.asksForCodings
            isDuplex = request.isDuplex
            head = ResponseHeadReader(
                expectsContinue: request.mayExpect(isLong: isLongUpload),
                digest: request.authentication.isDigest ? .awaitingChallenge(sendsEmptyBody: request.hasBody) : .none,
                isResumable: request.upload != nil)
        }
    }

    /// Time limits, progress and metrics.
    struct Bookkeeping {
        let counter: ProgressCounter<UploadProgress>
        /// Whether parts are added by several calls.
        let isOpenEnded: Bool
        /// Whether a later call will ask for the result.
        var isAwaitedLater: Bool
        let metrics = MetricsBox()
        let beganAt = Instant.now
        var limits: TimeLimits
        /// Whether libcurl has begun the transfer. Until then its counts are those of the previous request.
        var hasBegun = false
        /// When progress was last reported.
        var reportedAt: Instant?
        /// The highest count so far: it must not decrease when the request is sent again on another socket.
        var bytesAcknowledged: Int64

        init(_ request: TransferRequest) {
            counter = request.counter
            bytesAcknowledged = request.start
            isOpenEnded = request.source?.isOpenEnded ?? false
            isAwaitedLater = isOpenEnded
            limits = TimeLimits(stall: request.stallTimeout, total: request.requestTimeout, at: .now)
        }
    }

    /// What the agent watches for the transfer, besides libcurl's sockets.
    struct Watching {
        /// When to check again a socket that holds bytes which libcurl does not read; nil if there is none.
        var nextPeek: Instant?
        var socket: Int32?
        var source: Int32?
        /// See ``PendingTransfers``.
        var isPending = false
    }
}
