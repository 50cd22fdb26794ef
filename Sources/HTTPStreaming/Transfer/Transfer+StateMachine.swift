internal import Platform

extension Transfer {
    /// The states of one transfer, as a pure value: events go in, actions come out, and the driver performs them. Upload
    /// and download are independent, except that a final status of 300 or more ends the upload.
    ///
    /// Sending may be paused for several reasons at a time. The state is the reason that was found when libcurl last
    /// called the read callback. When that reason is gone, libcurl is resumed, calls again, and the next reason is found.
    struct StateMachine {
        enum Upload: Equatable {
            /// libcurl calls the read callback when it can send bytes.
            /// → `held`, `throttled`, `waiting`, `starved`, `yielding`, `complete`, `stopped`
            case flowing
            /// Sending is paused: by the client. → `flowing`, `stopped`
            case held
            /// Sending is paused: the rate limit allows no more bytes before that time.
            /// → `flowing`, `stopped`
            case throttled(until: Instant)
            /// Sending is paused: the next bytes are being encoded, or their source has none yet.
            /// → `flowing`, `stopped`
            case waiting
            /// Sending is paused: a response is waiting on the socket, and libcurl must read it first. If it is a refusal,
            /// the server may close the connection, and another send would fail before the response is read.
            /// → `flowing`, `stopped`
            case yielding
            /// Sending is paused: the caller has not added the next part yet. → `flowing`, `stopped`
            case starved
            /// The whole body was passed to libcurl. → `flowing` (to be sent again), `stopped`
            case complete
            /// Nothing more is sent: the server has refused the body, or the upload failed. Final.
            case stopped
        }

        enum Download: Equatable {
            /// No final response has been received. → `receiving`
            case awaitingHead
            /// The final head was received; content is passed to the reader. → `blocked`, `discarding`, `complete`
            case receiving
            /// Receiving is paused: the reader's buffer is full. → `receiving`, `discarding`, `complete`
            case blocked
            /// The content is not read any more. Final.
            case discarding
            /// All content was received, while the upload continues. Final.
            case complete
        }

        /// What the read callback must do.
        enum ReadAction: Equatable { case fill, pause, end, endAfterRefusal, abort }

        /// What the write callback must do.
        enum WriteAction: Equatable { case keep, pause, discard }

        /// What the driver must do outside of the read and write callbacks.
        enum Action: Equatable {
            case none
            /// Make libcurl call the read or the write callback again.
            case resume
        }

        /// What the transfer has reached, for the waiting caller.
        enum Milestone: Equatable {
            case none
            /// All parts given so far have been sent.
            case partsSent
            /// The server has refused the body before it was complete.
            case answeredEarly
            /// The response can be returned.
            case responded
        }

        private(set) var upload = Upload.flowing
        private(set) var download = Download.awaitingHead
        /// Whether a final head with a status of 300 or more was received before the body was complete.
        private(set) var isRefused = false
        /// Whether the client is paused.
        private(set) var isHeld: Bool

        /// - Parameter isHeld: whether the client is paused.
        init(hasBody: Bool, isHeld: Bool = false) {
            self.isHeld = isHeld
            if !hasBody { upload = .complete }
        }

        // MARK: The upload

        /// libcurl called the read callback. Up to 8.5.0 it also calls after the end of the body, and once more after an
        /// abort: the result must stay the same.
        ///
        /// After a refusal it keeps calling if the connection will be closed. An abort would lose the content of the
        /// response.
        mutating func readRequested() -> ReadAction {
            switch upload {
            case .flowing:
                guard isHeld else { return .fill }
                upload = .held
                return .pause
            case .held, .throttled, .waiting, .starved, .yielding: return .pause
            case .complete: return .end
            case .stopped: return isRefused ? .endAfterRefusal : .abort
            }
        }

        /// The rate limit allows no more bytes before that time.
        mutating func allowanceSpent(until time: Instant) {
            if upload == .flowing { upload = .throttled(until: time) }
        }

        /// Time has passed.
        mutating func timePassed(_ now: Instant) -> Action {
            guard case .throttled(let time) = upload else { return .none }
            return flow(if: time <= now)
        }

        /// The client was paused or resumed, or its rate limit was changed.
        mutating func controlChanged(isHeld: Bool) -> Action {
            self.isHeld = isHeld
            switch upload {
            case .held: return flow(if: !isHeld)
            case .throttled: return flow(if: true)
            case .flowing, .waiting, .starved, .yielding, .complete, .stopped: return .none
            }
        }

        private mutating func flow(if mayFlow: Bool) -> Action {
            guard mayFlow else { return .none }
            upload = .flowing
            return .resume
        }

        /// All parts given so far have been read; more may be added.
        mutating func bodyRanDry() { if canSend { upload = .starved } }

        /// The body has been read to its end.
        mutating func bodyEnded() { if canSend { upload = .complete } }

        private var canSend: Bool {
            switch upload {
            case .flowing, .held, .throttled, .waiting, .starved, .yielding: true
            case .complete, .stopped: false
            }
        }

        /// The next bytes cannot be read yet.
        mutating func contentAwaited() {
            if upload == .flowing { upload = .waiting }
        }

        /// More bytes may be readable.
        mutating func contentArrived() -> Action { flow(if: upload == .waiting || upload == .starved) }

        /// An empty block was added to the coded body.
        mutating func heartbeatAppended() -> Action { flow(if: upload == .starved) }

        /// Whether the socket must be checked for a response before bytes are sent. Not after the final head: content may
        /// wait there for as long as the reader is slow.
        var yieldsToAnswer: Bool { upload == .flowing && download == .awaitingHead }

        /// The socket holds bytes that may be a response.
        mutating func answerSeen() {
            if upload == .flowing { upload = .yielding }
        }

        /// libcurl has had the opportunity to read the response.
        mutating func answerRead() -> Action { flow(if: upload == .yielding) }

        /// Parts, or the end of the body, were added.
        mutating func partsAdded() -> Action { flow(if: upload == .starved) }

        /// The body will be sent again from its beginning, on another connection.
        mutating func bodyRewound() {
            if upload != .yielding, upload != .stopped { upload = .flowing }
        }

        /// A source failed, or the peer has closed the connection while sending was paused.
        mutating func uploadFailed() -> Action { stop() }

        private mutating func stop() -> Action {
            let wasPaused = isUploadPaused
            upload = .stopped
            return wasPaused ? .resume : .none
        }

        /// Whether the agent must watch the socket, because libcurl (up to 8.8) does not notice the end of a connection
        /// while sending is paused. Not while receiving is paused: the socket would stay readable all the time.
        var mustWatchForHangUp: Bool {
            switch upload {
            case .held, .throttled, .starved, .waiting: download != .blocked
            case .flowing, .yielding, .complete, .stopped: false
            }
        }

        /// A response was received after which libcurl sends the request again by itself. It would wait for ever if sending
        /// stayed paused.
        mutating func tentativelyAnswered() -> Action { flow(if: isUploadPaused) }

        // MARK: The download

        /// The head of the final response was received.
        mutating func finalHeadReceived(status: Int) -> Action {
            guard download == .awaitingHead else { return .none }
            download = .receiving
            guard status >= 300, upload != .complete else { return .none }
            // libcurl stops sending by itself, but waits for ever if sending is paused.
            isRefused = true
            return stop()
        }

        /// Content was received; `isFull`: the reader's buffer has no room for it.
        mutating func contentReceived(isFull: Bool) -> WriteAction {
            switch download {
            case .awaitingHead, .receiving, .blocked:
                download = isFull ? .blocked : .receiving
                return isFull ? .pause : .keep
            case .discarding, .complete:
                return .discard
            }
        }

        /// All content was received; the upload may continue.
        mutating func contentEnded() {
            if takesContent { download = .complete }
        }

        /// The reader has made room in its buffer.
        mutating func contentConsumed() -> Action {
            guard download == .blocked else { return .none }
            download = .receiving
            return .resume
        }

        /// The rest of the content will not be read.
        mutating func contentAbandoned() -> Action {
            let wasBlocked = download == .blocked
            if takesContent { download = .discarding }
            return wasBlocked ? .resume : .none
        }

        // MARK: Questions about the states

        var isUploadPaused: Bool {
            switch upload {
            case .held, .throttled, .waiting, .starved, .yielding: true
            case .flowing, .complete, .stopped: false
            }
        }

        /// Whether received content is passed to the reader.
        var takesContent: Bool { download == .receiving || download == .blocked }

        var isDownloadPaused: Bool { download == .blocked }

        /// Whether the transfer waits for the network or the server, rather than for the client. Only such time counts
        /// for the time limits.
        var waitsForPeer: Bool {
            switch upload {
            case .held, .throttled, .waiting, .starved: false
            // While the client is paused, libcurl may still send bytes that it has, but the client does not expect it.
            case .flowing, .yielding: !isHeld && download != .blocked
            case .complete, .stopped: download != .blocked
            }
        }

        /// What the transfer has reached.
        ///
        /// - Parameter isFinished: whether no more parts will be added.
        func milestone(isFinished: Bool) -> Milestone {
            switch upload {
            case .starved: .partsSent
            case .stopped: isRefused ? .answeredEarly : .none
            case .complete: download == .awaitingHead ? .none : .responded
            // The server may stop reading the request until its response is read.
            case .flowing, .held, .throttled, .waiting, .yielding:
                isFinished && download == .blocked ? .responded : .none
            }
        }
    }
}
