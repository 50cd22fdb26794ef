internal import Platform

extension Client {
    /// Whether and when a failed request is sent again from its beginning.
    ///
    /// A request is retried after ``ClientError/Code/hostNotFound``, ``ClientError/Code/connectionFailed``,
    /// ``ClientError/Code/connectionLost`` and ``ClientError/Code/timedOut``, and after status 408, 425, 429, 500, 502,
    /// 503 and 504; but not once its response has been returned, whose content only ``Response/save(to:durability:progress:)-(Path,_,_)`` and
    /// ``Client/download(_:to:resuming:durability:progress:)-(_,Path,_,_,_)`` continue. The result of the last attempt is the call's result.
    ///
    /// The body is read again from its sources. If one of them can be read only once and has been read from, the
    /// request is not retried, and the error says so. An open request (``Client/sendUnclosed(_:progress:)``) keeps sent
    /// parts for this purpose in up to 1 MiB of memory; of a file only the path counts.
    public struct Retry: Hashable, Sendable {
        /// The maximum number of attempts, including the first; 3 by default.
        public var attempts: Int
        /// The delay before the second attempt, doubled before each further one; 500 ms by default. The actual delay
        /// is a random value between half of this and all of it, so that many clients do not retry simultaneously.
        public var delay: Duration
        /// The maximum delay; 30 seconds by default. A longer `Retry-After` of the server (RFC 9110 §10.2.3) is
        /// respected nevertheless.
        public var maximumDelay: Duration
        /// How long after the start of the first attempt another one may start; 5 minutes by default.
        public var maximumTime: Duration
        /// Whether POST, PATCH and other methods that are not idempotent (RFC 9110 §9.2.2) are retried; false by
        /// default. If only the response was lost, the server receives such a request twice.
        public var includesNonIdempotentMethods: Bool

        /// Makes a retry policy; see the properties for each parameter.
        public init(
            attempts: Int = 3, delay: Duration = .milliseconds(500), maximumDelay: Duration = .seconds(30),
            maximumTime: Duration = .seconds(300), includesNonIdempotentMethods: Bool = false
        ) {
            self.attempts = attempts
            self.delay = delay
            self.maximumDelay = maximumDelay
            self.maximumTime = maximumTime
            self.includesNonIdempotentMethods = includesNonIdempotentMethods
        }

        /// Sends each request once.
        public static let never = Retry(attempts: 1)

        func validate() throws(ClientError) {
            try ClientError.require(
                attempts >= 1 && min(delay, maximumDelay, maximumTime) >= .zero,
                "retry has fewer than 1 attempt, or a negative duration")
        }

        /// How long to wait before a failed request is sent again; nil if it is not.
        ///
        /// - Parameters:
        ///   - attempt: the number of the failed attempt, from 1.
        ///   - elapsed: the time since the start of the first attempt.
        ///   - retryAfter: the delay that the server asked for.
        ///   - chance: a random number from 0 to 1.
        func delay(
            afterAttempt attempt: Int, elapsed: Duration, retryAfter: Duration?, chance: Double
        ) -> Duration? {
            guard attempt < attempts else { return nil }
            var delay = self.delay
            var doublings = attempt - 1
            while doublings > 0, delay > .zero, delay < maximumDelay {
                delay *= 2
                doublings -= 1
            }
            delay = min(delay, maximumDelay) * (0.5 + chance / 2)
            delay = max(delay, retryAfter ?? .zero)
            return elapsed + delay <= maximumTime ? delay : nil
        }

        /// The delay in a Retry-After field (RFC 9110 §10.2.3): a number of seconds, or a date, which is compared with
        /// this machine's clock. Nil if the value is neither.
        static func duration(retryAfter value: String) -> Duration? {
            if let seconds = Int64(value) { return seconds < 0 ? nil : .seconds(min(seconds, Int64(Int32.max))) }
            let now = Timestamp.now
            return Timestamp(httpDate: value, now: now).map { .seconds(max(0, $0.seconds - now.seconds)) }
        }

        func covers(_ method: Method) -> Bool {
            attempts > 1 && (includesNonIdempotentMethods || method.isIdempotent)
        }

        static func covers(status: Int) -> Bool { [408, 425, 429, 500, 502, 503, 504].contains(status) }

        static func covers(_ code: ClientError.Code) -> Bool {
            [.hostNotFound, .connectionFailed, .connectionLost, .timedOut].contains(code)
        }
    }
}
