extension Client {
    /// Whether the server is asked before a body is sent, by `Expect: 100-continue` (RFC 9110
    /// §10.1.1). One that refuses has then been spared the body; one that does not answer costs
    /// ``Configuration/expectTimeout``. After a 417 the request is sent again without.
    public struct Expectation: Hashable, Sendable {
        enum Kind { case automatic, always, never }

        let kind: Kind

        /// Over HTTP/1.1, with bodies of more than 1 MiB and those whose length is not known.
        public static let automatic = Expectation(kind: .automatic)

        /// With every body.
        public static let always = Expectation(kind: .always)

        /// The body is sent without asking.
        public static let never = Expectation(kind: .never)
    }
}
