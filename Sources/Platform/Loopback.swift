/// The names and addresses that lead only to this machine.
package enum Loopback {
    /// - Parameter host: a name, or an address without brackets.
    package static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        return host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host.hasPrefix("127.")
            || host.hasPrefix("::ffff:127.")
    }
}
