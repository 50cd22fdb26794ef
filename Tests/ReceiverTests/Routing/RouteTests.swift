import ContentCoding
import HTTPTypes
import Multipart
import Testing

@testable import Receiver

@Suite("Routes")
struct RouteTests {
    private func head(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "x", path: path)
        head.headerFields[.contentType] = "multipart/form-data; boundary=b"
        return head
    }

    @Test("`/` and `/upload/…` accept forms", arguments: ["/", "/?x=/upload", "/upload", "/upload/", "/upload/a/b?c"])
    func forms(path: String) throws {
        let route = try Route(judging: head(.post, path))
        #expect(route == .upload(try UploadRequest(form: head(.post, path))))
        #expect(try UploadRequest(form: head(.post, path)).content == .form(Boundary("b")))
        #expect(route.readsBody)
    }

    @Test(
        "`PUT /{name}`, and `PUT` and `POST` to `/files/{name}`, accept a file",
        arguments: [
            (.put, "/x", "x"), (.put, "/%C3%A9%20a?b=c", "é a"), (.put, "/a%2Fb", "a/b"), (.put, "/..", ".."),
            (.put, "/uploads", "uploads"), (.put, "/UPLOAD", "UPLOAD"), (.put, "/files/%C3%A9%20b", "é b"),
            (.post, "/files/%C3%A9%20b", "é b"), (.put, "/files/.env", ".env"), (.put, "/a%F1b", "añb"),
            (.put, "/files/%C3%A9%E9", "Ã©é"),
        ] as [(HTTPRequest.Method, String, String)])
    func files(method: HTTPRequest.Method, path: String, name: String) throws {
        var head = head(method, path)
        #expect(refusal { try Route(judging: head) }?.code == .unsupported, "a form is not a file")
        head.headerFields[.contentType] = "text/plain"
        let upload = try UploadRequest(file: head, named: name, replaces: method == .put)
        #expect(upload.content == .file(named: name, contentType: "text/plain"))
        #expect(upload.replaces == (method == .put))
        #expect(try Route(judging: head) == .upload(upload))
        let numbering = try UploadRequest(file: head, named: name)
        #expect(try Route(judging: head, Route.Rules(replacesFiles: false)) == .upload(numbering))
    }

    @Test(
        "other paths do not exist",
        arguments: [
            "//", "x", "/a/b", "/x/", "/../x", "/files/", "/files/a/b", "/files/a%2Fb", "/count/1/2",
            "/user-agent/x", "/health/", "/metrics/x",
        ],
        [HTTPRequest.Method.get, .put, .post, .options])
    func notFound(path: String, method: HTTPRequest.Method) {
        #expect(refusal { try Route(judging: head(method, path)) }?.code == .notFound)
    }

    @Test(
        "`/files` is the list, `/files/{name}` a download; `GET /{name}` is not found",
        arguments: [HTTPRequest.Method.get, .head])
    func downloads(method: HTTPRequest.Method) throws {
        #expect(refusal { try Route(judging: head(method, "/x")) }?.code == .notFound)
        guard case .list(let list) = try Route(judging: head(method, "/files?after=a")) else {
            Issue.record("no list")
            return
        }
        #expect(list.after == "a")
        guard case .download(let download) = try Route(judging: head(method, "/files/%C3%A9%20b?x")) else {
            Issue.record("no download")
            return
        }
        #expect(download.name == "é b")
        #expect(try !Route(judging: head(method, "/files/x")).readsBody)
    }

    @Test(
        "other methods get 405 with Allow",
        arguments: [
            ("/", "GET, HEAD, POST, PUT, OPTIONS", [.delete, .patch, .trace]),
            ("/upload", "POST, OPTIONS", [.get, .head, .put, .delete]),
            ("/files", "GET, HEAD, OPTIONS", [.post, .put, .delete]),
            ("/files/x", "GET, HEAD, POST, PUT, OPTIONS", [.delete, .patch]),
            ("/echo", "POST, OPTIONS", [.get, .put]), ("/echo/x", "GET, HEAD, OPTIONS", [.post, .put]),
            ("/user-agent", "GET, HEAD, OPTIONS", [.post]), ("/count/9", "GET, HEAD, OPTIONS", [.put]),
            ("/health", "GET, HEAD, OPTIONS", [.post]), ("/metrics", "GET, HEAD, OPTIONS", [.put]),
            ("*", "GET, HEAD, POST, PUT, OPTIONS", [.post, .put, .delete]),
            ("/x", "PUT, OPTIONS", [.post, .delete, .patch]), ("/x", "GET, HEAD, POST, PUT, OPTIONS", [.connect]),
        ] as [(String, String, [HTTPRequest.Method])])
    func otherMethods(path: String, allowed: String, methods: [HTTPRequest.Method]) {
        for method in methods {
            #expect(refusal { try Route(judging: head(method, path)) }?.code == .methodNotAllowed)
            #expect(refusal { try Route(judging: head(method, path)) }?.fields[.allow] == allowed)
        }
    }

    @Test(
        "OPTIONS has the methods of the resource",
        arguments: [
            ("/", [.get, .head, .post, .put, .options]), ("*", [.get, .head, .post, .put, .options]),
            ("/upload/x", [.post, .options]), ("/x", [.put, .options]),
            ("/files", [.get, .head, .options]), ("/files/x", [.get, .head, .post, .put, .options]),
            ("/echo", [.post, .options]), ("/echo/x/y", [.get, .head, .options]),
        ] as [(String, [HTTPRequest.Method])])
    func options(path: String, methods: [HTTPRequest.Method]) throws {
        #expect(try Route(judging: head(.options, path)) == .options(methods))
        #expect(try !Route(judging: head(.options, path)).readsBody)
    }

    @Test("unknown methods are not implemented, on any path", arguments: ["FOO", "get", "PROPFIND", "MKCOL"])
    func unknownMethods(name: String) throws {
        let method = try #require(HTTPRequest.Method(name))
        for path in ["/", "/files/x", "/nothing/here", "*"] {
            #expect(refusal { try Route(judging: head(method, path)) }?.code == .notImplemented)
        }
    }

    @Test("text, page, health, metrics and echo") func others() throws {
        #expect(try Route(judging: head(.get, "/echo/a%20b/c?d")) == .text("a b/c", .identity))
        #expect(try Route(judging: head(.get, "/echo/")) == .text("", .identity))
        var curl = head(.head, "/user-agent")
        curl.headerFields[.userAgent] = "curl"
        curl.headerFields[.acceptEncoding] = "deflate"
        #expect(try Route(judging: curl) == .text("curl", .coded(.deflate)))
        #expect(try Route(judging: head(.get, "/")) == .page)
        #expect(try Route(judging: head(.get, "/health")) == .health)
        #expect(try Route(judging: head(.get, "/metrics?x")) == .metrics)
        #expect(try Route(judging: head(.post, "/echo")).readsBody)
    }

    @Test(
        "`/count/{n}` has a limit and an interval",
        arguments: [
            ("/count", Int.max, Duration.seconds(1)), ("/count/inf?interval=0", .max, .zero),
            ("/count/0", 0, .seconds(1)), ("/count/12?x=y&interval=0.25", 12, .milliseconds(250)),
            ("/count/5?interval=60", 5, .seconds(60)),
        ])
    func count(path: String, limit: Int, interval: Duration) throws {
        let count = try CountRequest(head(.get, path), limit)
        #expect(count.interval == interval)
        #expect(try Route(judging: head(.get, path)) == .count(count))
    }

    @Test(
        "invalid numbers and intervals are refused",
        arguments: [
            "/count/x", "/count/", "/count/-1", "/count/+1", "/count/99999999999999999999", "/count/1?interval=",
            "/count/1?interval=-1", "/count/1?interval=61", "/count/1?interval=nan", "/count/1?interval=x",
        ])
    func invalidCount(path: String) {
        #expect(refusal { try Route(judging: head(.get, path)) }?.code == .malformed)
    }

    @Test("a request has exactly one valid host") func host() throws {
        var request = head(.get, "/health")
        request.authority = nil
        #expect(refusal { try Route(judging: request) }?.code == .malformed)
        // In HTTP/2 the authority may be a field.
        request.headerFields[.host] = "x"
        #expect(try Route(judging: request) == .health)
        request.authority = "x"
        #expect(try Route(judging: request) == .health)
        request.authority = "y"
        #expect(refusal { try Route(judging: request) }?.code == .malformed)
        for host in ["", "localhost:3000", "[::1]:3000", "a.example"] {
            #expect(
                try Route(judging: HTTPRequest(method: .get, scheme: "http", authority: host, path: "/health"))
                    == .health)
        }
        for host in ["a b", "a/b", "user@host", "a?b", "é"] {
            let request = HTTPRequest(method: .get, scheme: "http", authority: host, path: "/health")
            #expect(refusal { try Route(judging: request) }?.code == .malformed, "\(host)")
        }
    }

    @Test("a request without a valid target is refused") func noTarget() {
        #expect(refusal { try Route(judging: head(.get, "")) }?.code == .malformed)
        #expect(refusal { try Route(judging: head(.get, "/echo/\u{FFFD}")) }?.code == .malformed, "bytes not in UTF-8")
    }

    @Test("a Content-Length above the limit is refused before the body") func sizes() {
        let rules = Route.Rules(maximumBodySize: 10)
        for (path, method) in [("/", HTTPRequest.Method.post), ("/x", .put), ("/files/x", .post), ("/echo", .post)] {
            var request = head(method, path)
            if path.hasSuffix("x") { request.headerFields[.contentType] = nil }
            for (length, code) in [("10", nil), ("11", Refusal.Code.tooLarge), ("99999999999999999999", .tooLarge)] {
                request.headerFields[.contentLength] = length
                #expect(refusal { try Route(judging: request, rules) }?.code == code)
            }
        }
    }

    @Test("expectations other than 100-continue get 417") func expectations() throws {
        var request = head(.post, "/")
        request.headerFields[.expect] = "100-Continue"
        #expect(try Route(judging: request).readsBody)
        request.headerFields[.expect] = "a miracle"
        #expect(refusal { try Route(judging: request) }?.code == .expectationFailed)
    }
}
