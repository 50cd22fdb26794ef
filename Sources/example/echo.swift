import Dispatch
import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Sends standard input as the body of a request, and prints the response's content as it arrives.
func echo(_ client: Client) async throws {
    let stream = try await client.open(contentType: "text/plain; charset=utf-8")
    let sending = Task {
        while let bytes = await readInput(), try await stream.write(bytes) {}
        stream.finish()
    }
    let response = try await stream.response
    var output = Output(STDOUT_FILENO)
    for try await chunk in response.body { output.write(chunk) }
    output.finish()
    // Before the input ends: a server that refuses the request does not wait for it.
    guard response.isSuccess else { fail("the server answered with status \(response.status)") }
    try await sending.value
}

private let input = DispatchQueue(label: "input")

/// Reads the bytes available, up to 64 KiB: on a terminal, one line. Returns nil at the end. Blocks its own thread,
/// because the threads that Swift's tasks share must not be blocked.
private func readInput() async -> ArraySlice<UInt8>? {
    await withCheckedContinuation { continuation in
        input.async {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            var count = read(STDIN_FILENO, &buffer, buffer.count)
            while count < 0, errno == EINTR { count = read(STDIN_FILENO, &buffer, buffer.count) }
            continuation.resume(returning: count > 0 ? buffer[..<count] : nil)
        }
    }
}
