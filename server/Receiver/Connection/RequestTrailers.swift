import HTTPTypes
import NIOCore

/// The trailer fields (RFC 9110 §6.5) of the requests of a connection, which Hummingbird does not pass to a route. Requests may
/// be pipelined: the end of the next one may be read before the route has read the body of this one.
final class RequestTrailers {
    private var requests = 0
    private var responses = 0
    /// By the number of the request. Most requests have none.
    private var trailers: [Int: HTTPFields] = [:]

    /// The body of the next request has ended.
    func requestEnded(_ trailer: HTTPFields?) {
        if let trailer, !trailer.isEmpty, requests >= responses { trailers[requests] = trailer }
        requests += 1
    }

    /// The response to the request that was answered next has ended.
    func responseEnded() {
        trailers[responses] = nil
        responses += 1
    }

    /// Those of the request that is answered next.
    var current: HTTPFields { trailers[responses] ?? [:] }
}

extension Channel {
    /// The trailer fields of the request that is being answered. Its body must have been read.
    func requestTrailer() async throws -> HTTPFields {
        try await eventLoop.submit {
            try self.pipeline.syncOperations.handler(type: RequestBodyHandler.self).trailer
        }.get()
    }
}
