internal import Platform

extension Client {
    /// Whether, and when, a request that has failed is sent again, from its beginning.
    ///
    /// Tried again are requests that found no server or lost it (``ClientError/Code/hostNotFound``,
    /// ``ClientError/Code/connectionFailed``, ``ClientError/Code/connectionLost``,
    /// ``ClientError/Code/timedOut``), and those answered with 408, 425, 429, 500, 502, 503 or 504: until
    /// the response is returned, not while its content is read. What is behind the last try is the
    /// call's result, as if it had been the only one.
    ///
    /// The body is read again from its sources. If one of them can be read once only, and something
    /// has been read of it, the request is not tried again, and the error says so. Of a request that is
    /// open by ``Client/sendUnclosed(_:progress:)``, parts are kept for that as long as they take no
    /// more than 1 MiB of memory; files count with their path only.
    public struct Retry: Hashable, Sendable {
        /// How often a request is sent at most, the first time included; 3 unless set.
        public var attempts: Int
        /// How long to wait before the second try; twice as long before each further one. Half of it
        /// is left to chance, so that many clients do not come back at the same time. Half a second
        /// unless set.
        public var delay: Duration
        /// The most that it grows to; 30 seconds unless set. A longer `Retry-After` of the server
        /// (RFC 9110 §10.2.3) is respected all the same.
        public var maximumDelay: Duration
        /// How long after the beginning of the first try another one may begin; 5 minutes unless set.
        public var maximumTime: Duration
        /// Whether requests are tried again whose method is not idempotent (RFC 9110 §9.2.2), as POST
        /// and PATCH are not: the server may have received such a request although the answer was lost,
        /// and would receive it twice. False unless set.
        public var includesNonIdempotentMethods: Bool

        /// See the properties.
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

        /// A request is sent once.
        public static let never = Retry(attempts: 1)

        func validate() throws(ClientError) {
            guard attempts >= 1, delay >= .zero, maximumDelay >= .zero, maximumTime >= .zero else {
                throw ClientError(.invalidConfiguration, "retry has no attempts, or a time that is less than zero")
            }
        }

        /// What a request that has failed is to wait for before it is sent again; nil if it is not.
        ///
        /// - Parameters:
        ///   - attempt: the one that has failed, from 1.
        ///   - elapsed: since the first one began.
        ///   - retryAfter: what the server said.
        ///   - chance: 0 to 1.
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

        /// The delay that a Retry-After names (RFC 9110 §10.2.3): seconds, or a date, which is compared with this
        /// machine's clock; nil if it is neither.
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
