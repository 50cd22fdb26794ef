import Dispatch
import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Sends what comes on standard input to a server that sends it back, and prints that at once.
func echo(_ client: Client) async throws {
    let stream = try await client.open(contentType: "text/plain; charset=utf-8")
    let sending = Task {
        while let bytes = await readInput(), try await stream.write(bytes) {}
        stream.finish()
    }
    let response = try await stream.response
    for try await chunk in response.body { print(chunk) }
    // Who refuses does not wait for the end of the input.
    guard response.isSuccess else { fail("the server answered with \(response.status)") }
    try await sending.value
}

private let input = DispatchQueue(label: "input")

/// What there is, 64 KiB at most: a line, where somebody types. Nil at the end. Waits on a thread of its own, since
/// Swift's tasks share a few, which must not wait.
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

private func print(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { exit(1) }
    }
}
