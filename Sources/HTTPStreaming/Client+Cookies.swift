extension Client {
    /// What becomes of the cookies that a server sets (RFC 6265).
    public struct Cookies: Hashable, Sendable {
        let isEnabled: Bool

        /// Nothing: they are header fields like any other.
        public static let none = Cookies(isEnabled: false)

        /// They are kept for as long as the client lives, and sent where they belong. Never written
        /// to a file.
        public static let inMemory = Cookies(isEnabled: true)
    }
}
