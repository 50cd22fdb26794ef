import CCurl
import Foundation
import Testing

@testable import HTTPStreaming

#if os(Linux)
@Suite("SocketTracker", .timeLimit(.minutes(3)))
struct SocketTrackerTests {
    @Test("a socket closed elsewhere is not confused with a new one of the same number")
    func closedBehindItsBack() throws {
        let tracker = SocketTracker()
        var address = curl_sockaddr()
        address.family = AF_INET
        address.socktype = Int32(SOCK_STREAM.rawValue)
        let descriptor = tracker.openSocket(address)
        #expect(tracker.current == descriptor)
        let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // As libcurl closes it, and the system gives its number away.
        dup2(other, descriptor)
        #expect(tracker.current == nil && tracker.peek() == .nothing)
        tracker.replaceStale()
        var (kind, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &kind, &length)
        #expect(kind == AF_INET)
        close(other)
        close(descriptor)
    }
}
#endif
