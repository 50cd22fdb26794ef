import HTTPTypes
import Multipart
import Testing

@testable import Receiver

@Suite struct RouteTests {
    private func head(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "x", path: path)
        head.headerFields[.contentType] = "multipart/form-data; boundary=b"
        return head
    }

    @Test(arguments: ["/", "/?x=/upload", "/upload", "/upload/", "/upload/a/b?c"])
    func pathsThatTakeForms(path: String) throws {
        guard case .upload(let upload) = try Route(judging: head(.post, path)),
            case .form(let boundary) = upload.content
        else {
            Issue.record("\(path)")
            return
        }
        #expect(boundary.description == "b")
        #expect(try Route(judging: head(.post, path)).takesBody)
    }

    @Test(arguments: [
        ("/x", "x"), ("/%C3%A9%20a?b=c", "é a"), ("/a%2Fb", "a/b"), ("/..", ".."), ("/uploads", "uploads"),
        ("/UPLOAD", "UPLOAD"),
    ])
    func pathsThatTakeFiles(path: String, name: String) throws {
        guard case .upload(let upload) = try Route(judging: head(.put, path)) else {
            Issue.record("\(path)")
            return
        }
        #expect(upload.content == .file(named: name, contentType: "multipart/form-data; boundary=b"))
    }

    @Test(
        arguments: ["//", "*", "", "x", "/a/b", "/x/", "/../x", "/files/", "/files/.x", "/files/a/b", "/files/a%2Fb"],
        [HTTPRequest.Method.get, .put, .post, .options])
    func otherPathsAreNotFound(path: String, method: HTTPRequest.Method) {
        #expect(refusal { try Route(judging: head(method, path)) }?.code == .notFound)
    }

    @Test(arguments: [HTTPRequest.Method.get, .head])
    func whatCanBeHad(method: HTTPRequest.Method) throws {
        #expect(try Route(judging: head(method, "/files?x")) == .list)
        guard case .download(let download) = try Route(judging: head(method, "/files/%C3%A9%20b?x")) else {
            Issue.record("no download")
            return
        }
        #expect(download.name == "é b")
        #expect(try !Route(judging: head(method, "/files/x")).takesBody)
    }

    @Test(arguments: [HTTPRequest.Method.get, .head, .post, .delete])
    func nothingIsWhereAFileCanBePut(method: HTTPRequest.Method) {
        #expect(refusal { try Route(judging: head(method, "/x")) }?.code == .notFound)
    }

    @Test(
        arguments: [
            ("/", "POST, PUT, OPTIONS", [.get, .head, .delete, .patch]),
            ("/upload", "POST, OPTIONS", [.get, .head, .put, .delete]),
            ("/files", "GET, HEAD, OPTIONS", [.post, .put, .delete]),
            ("/files/x", "GET, HEAD, OPTIONS", [.post, .put, .delete]),
        ] as [(String, String, [HTTPRequest.Method])])
    func otherMethodsAreToldWhichAreAllowed(path: String, allowed: String, methods: [HTTPRequest.Method]) {
        for method in methods {
            #expect(refusal { try Route(judging: head(method, path)) }?.code == .methodNotAllowed)
            #expect(refusal { try Route(judging: head(method, path)) }?.fields[.allow] == allowed)
        }
    }

    @Test(
        arguments: [
            ("/", [.post, .put, .options]), ("/upload/x", [.post, .options]), ("/x", [.put, .options]),
            ("/files", [.get, .head, .options]), ("/files/x", [.get, .head, .options]),
        ] as [(String, [HTTPRequest.Method])])
    func options(path: String, methods: [HTTPRequest.Method]) throws {
        #expect(try Route(judging: head(.options, path)) == .options(methods))
        #expect(try !Route(judging: head(.options, path)).takesBody)
    }
}
