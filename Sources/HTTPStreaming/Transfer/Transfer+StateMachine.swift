internal import Platform

extension Transfer {
    /// The states of one transfer, as a pure value: what happened goes in, what to do comes out,
    /// and the driver does it. Upload and download move on their own; what ties them together is
    /// that a final status of 300 or more ends the upload.
    ///
    /// Sending may be paused for several reasons at a time. The state is the one that libcurl's last
    /// question met; when that is gone, libcurl is made to ask again, and meets the next.
    struct StateMachine {
        enum Upload: Equatable {
            /// libcurl asks for bytes when it can send them.
            /// → `held`, `throttled`, `waiting`, `starved`, `yielding`, `complete`, `stopped`
            case flowing
            /// libcurl asked, but the client is paused, and it was told to wait. → `flowing`, `stopped`
            case held
            /// libcurl asked, but no more may be sent before that time, and it was told to wait.
            /// → `flowing`, `stopped`
            case throttled(until: Instant)
            /// libcurl asked, but what comes next is still being encoded, or its source has nothing yet, and
            /// it was told to wait.
            /// → `flowing`, `stopped`
            case waiting
            /// libcurl asked, but an answer is waiting on the socket, which is to be read first: if
            /// it is a refusal, the server may be closing, and sending on would break the
            /// connection before the answer is read. → `flowing`, `stopped`
            case yielding
            /// libcurl asked, there was nothing to give, and it was told to wait.
            /// → `flowing`, `stopped`
            case starved
            /// The whole body is in libcurl's hands. → `flowing` (to be sent again), `stopped`
            case complete
            /// Nothing more will be given: the server has answered, or the transfer failed. Final.
            case stopped
        }

        enum Download: Equatable {
            /// Nothing has come yet but perhaps informational responses. → `receiving`
            case awaitingHead
            /// The final head is here; content is taken. → `blocked`, `discarding`, `complete`
            case receiving
            /// The reader is behind, and libcurl was told to wait. → `receiving`, `discarding`
            case blocked
            /// Nobody will read the content. Final.
            case discarding
            /// All content is here, while the upload goes on. Final.
            case complete
        }

        /// What libcurl's read callback is to do.
        enum ReadAction: Equatable { case fill, pause, end, giveNoMore, abort }

        /// What libcurl's write callback is to do.
        enum WriteAction: Equatable { case keep, pause, discard }

        /// What the driver is to do outside of libcurl's callbacks.
        enum Action: Equatable {
            case none
            /// Tell libcurl to ask for bytes again, or to hand over content again.
            case resume
        }

        /// What whoever waits for the transfer can be told now.
        enum News: Equatable {
            case nothing
            /// All parts given so far are with the network.
            case partsSent
            /// The server has given its final answer before the body was complete.
            case answeredEarly
            /// The response can be returned.
            case responded
        }

        private(set) var upload = Upload.flowing
        private(set) var download = Download.awaitingHead
        /// The final head has come, with a status that refuses the rest of the body.
        private(set) var isRefused = false
        /// Whether the client is paused: nothing more is given to libcurl.
        private(set) var isHeld: Bool

        /// - Parameter isHeld: whether the client is paused.
        init(hasBody: Bool, isHeld: Bool = false) {
            self.isHeld = isHeld
            if !hasBody { upload = .complete }
        }

        // MARK: The upload

        /// libcurl wants bytes. It asks again after the end too, up to 8.5.0, and once more after
        /// an abort: the answer never changes.
        ///
        /// After a refusal it asks on where the connection is to be closed anyway; an abort would
        /// lose the content of the answer.
        mutating func readRequested() -> ReadAction {
            switch upload {
            case .flowing:
                guard isHeld else { return .fill }
                upload = .held
                return .pause
            case .held, .throttled, .waiting, .starved, .yielding: return .pause
            case .complete: return .end
            case .stopped: return isRefused ? .giveNoMore : .abort
            }
        }

        /// No more may be sent before that time.
        mutating func allowanceSpent(until time: Instant) {
            if upload == .flowing { upload = .throttled(until: time) }
        }

        /// It is so late now.
        mutating func timePassed(_ now: Instant) -> Action {
            guard case .throttled(let time) = upload, time <= now else { return .none }
            return flow()
        }

        /// The client was paused or goes on, or the rate at which it may send is another one.
        mutating func controlChanged(isHeld: Bool) -> Action {
            self.isHeld = isHeld
            switch upload {
            case .held: return isHeld ? .none : flow()
            case .throttled: return flow()
            case .flowing, .waiting, .starved, .yielding, .complete, .stopped: return .none
            }
        }

        private mutating func flow() -> Action {
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

        /// What comes next is not there yet.
        mutating func contentAwaited() {
            if upload == .flowing { upload = .waiting }
        }

        /// There may be more to read.
        mutating func contentArrived() -> Action {
            guard upload == .waiting || upload == .starved else { return .none }
            return flow()
        }

        /// An empty block was added to the coded body.
        mutating func heartbeatAppended() -> Action {
            guard upload == .starved else { return .none }
            return flow()
        }

        /// Whether an answer that waits on the socket is to be looked for. Not behind the final
        /// head: its content may wait there for as long as the reader likes.
        var yieldsToAnswer: Bool { upload == .flowing && download == .awaitingHead }

        /// Bytes wait on the socket to be read.
        mutating func answerSeen() {
            if upload == .flowing { upload = .yielding }
        }

        /// libcurl has had its chance to read what was waiting.
        mutating func answerRead() -> Action {
            guard upload == .yielding else { return .none }
            return flow()
        }

        /// Parts, or the end of the body, were added.
        mutating func partsAdded() -> Action {
            guard upload == .starved else { return .none }
            return flow()
        }

        /// libcurl has gone back in the body, to send it again on another connection.
        mutating func bodyRewound() {
            switch upload {
            case .held, .throttled, .complete, .waiting, .starved: upload = .flowing
            case .flowing, .yielding, .stopped: break
            }
        }

        /// A source failed, or the peer has hung up on a request that waited for parts.
        mutating func uploadFailed() -> Action {
            let wasPaused = isUploadPaused
            upload = .stopped
            return wasPaused ? .resume : .none
        }

        /// Whether the peer's hanging up would go unnoticed: libcurl, up to 8.9, sees no end of a
        /// connection while sending is paused. Not while the reader is behind: what it has not read
        /// would look like news for as long as it stays.
        var mustWatchForHangUp: Bool {
            switch upload {
            case .held, .throttled, .starved, .waiting: download != .blocked
            case .flowing, .yielding, .complete, .stopped: false
            }
        }

        /// An answer has come that libcurl is to answer by sending the request again: it would wait for
        /// ever if sending was paused.
        mutating func tentativelyAnswered() -> Action {
            guard isUploadPaused else { return .none }
            upload = .flowing
            return .resume
        }

        // MARK: The download

        /// The header of a response with a status of 200 or more is complete.
        mutating func finalHeadReceived(status: Int) -> Action {
            guard download == .awaitingHead else { return .none }
            download = .receiving
            guard status >= 300, upload != .complete else { return .none }
            // libcurl stops sending by itself, but waits for ever if sending was paused.
            isRefused = true
            let wasPaused = isUploadPaused
            upload = .stopped
            return wasPaused ? .resume : .none
        }

        /// Content has come; `isFull` says that the reader is too far behind to take it.
        mutating func contentReceived(isFull: Bool) -> WriteAction {
            switch download {
            case .awaitingHead, .receiving, .blocked:
                download = isFull ? .blocked : .receiving
                return isFull ? .pause : .keep
            case .discarding, .complete:
                return .discard
            }
        }

        /// Behind this no content comes, although the upload may go on.
        mutating func contentEnded() {
            if download == .receiving || download == .blocked { download = .complete }
        }

        /// The reader has caught up.
        mutating func contentConsumed() -> Action {
            guard download == .blocked else { return .none }
            download = .receiving
            return .resume
        }

        /// Nobody will read what is still to come.
        mutating func contentAbandoned() -> Action {
            let wasBlocked = download == .blocked
            if download == .receiving || download == .blocked { download = .discarding }
            return wasBlocked ? .resume : .none
        }
    }
}
