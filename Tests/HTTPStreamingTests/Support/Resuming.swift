import TestSupport

@testable import HTTPStreaming

/// A resumption without waiting.
func quickResumption(attempts: Int = 10) -> Client.Resumption {
    .automatic(retry: Client.Retry(attempts: attempts, delay: .milliseconds(2), maximumDelay: .milliseconds(20)))
}

/// A scripted server, and a client of it that resumes.
func resuming(
    _ server: ResumableServer, _ method: Client.Method = .post,
    _ change: (inout Client.Configuration) -> Void = { _ in }
) throws -> (listener: FaultServer, client: Client) {
    let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
    let client = try Client(method, listener.url) { configuration in
        configuration.resumption = quickResumption()
        configuration.expect = .never
        change(&configuration)
    }
    return (listener, client)
}
