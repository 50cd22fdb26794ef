import Testing

@testable import Multipart

/// Part heads as other programs write them.
@Suite("Messages of other clients", .timeLimit(.minutes(3)))
struct OtherClientsTests {
    private func heads(_ header: String, boundary: String = "B") async throws -> PartHead? {
        let harness = ParserHarness(boundary: try Boundary(boundary))
        let outcome = await harness.parse("--\(boundary)\r\n\(header)\r\n\r\ncontent\r\n--\(boundary)--\r\n")
        #expect(outcome.error == nil && outcome.messageEnded)
        #expect(outcome.contents == ["content"])
        return outcome.heads.first
    }

    @Test(
        "Content-Disposition is read as other clients write it",
        arguments: [
            // curl 7.81 and later, Firefox, Chrome, Safari
            (#"form-data; name="a %22b%22"; filename="a\b.txt""#, #"a "b""#, #"a\b.txt"#),
            // curl before 7.81; Go mime/multipart
            (#"form-data; name="a \"b\""; filename="a\\b\";c.txt""#, #"a "b""#, #"a\b";c.txt"#),
            // Python requests over urllib3 2: as browsers do, with a name that ends in a backslash
            (#"form-data; name="née %22q%22\"; filename="naïve %22a\b%22.txt""#, #"née "q"\"#, #"naïve "a\b".txt"#),
            // httpx: backslashes escaped, quotes as browsers do
            (#"form-data; name="née %22q%22\\"; filename="naïve %22a\\b%22.txt""#, #"née "q"\"#, #"naïve "a\b".txt"#),
            // aiohttp 3: a name outside of ASCII in name* alone, filename percent-encoded as it is
            (#"form-data; name*=utf-8''n%C3%A9e%20%22q%22; filename="na%C3%AFve.txt""#, #"née "q""#, "na%C3%AFve.txt"),
            // requests over urllib3 1.24 and older
            (#"form-data; name="a"; filename*=utf-8''na%C3%AFve.txt"#, "a", "naïve.txt"),
            // .NET, with a name outside of ASCII
            (#"form-data; name=a; filename="=?utf-8?B?w68udHh0?="; filename*=utf-8''%C3%AF.txt"#, "a", "ï.txt"),
            // Internet Explorer
            (#"form-data; name="a"; filename="C:\Documents\new file.txt""#, "a", #"C:\Documents\new file.txt"#),
            // no space, other order, other case, unquoted, more parameters
            (#"Form-Data;FILENAME=f.txt;size=3;Name=a"#, "a", "f.txt"),
            (#"form-data;  name = a ; filename = "a; name=b" ;"#, "a", "a; name=b"),
            // an input left empty in a browser
            (#"form-data; name="a"; filename="""#, "a", ""),
            (#"form-data; name="""#, "", nil),
        ])
    func contentDisposition(value: String, name: String, filename: String?) async throws {
        for field in [
            "Content-Disposition: ", "Content-Disposition:", "content-disposition:\t", "CONTENT-DISPOSITION:  ",
        ] {
            #expect(try await heads(field + value) == PartHead(name: name, filename: filename))
        }
    }

    @Test("a message of curl is read") func curl() async throws {
        let head = try await heads(
            "Content-Disposition: form-data; name=\"f\"; filename=\"book.txt\"\r\nContent-Type: text/plain",
            boundary: "------------------------d74496d66958873e"
        )
        #expect(head == PartHead(name: "f", filename: "book.txt", contentType: "text/plain"))
    }

    @Test("messages of Chrome and Firefox are read") func browsers() async throws {
        for boundary in [
            "----WebKitFormBoundaryrGKCBY7qhFd3TrwA", "---------------------------9051914041544843365972754266",
        ] {
            let harness = ParserHarness(
                boundary: try Boundary(contentType: "multipart/form-data; boundary=\(boundary)"))
            let outcome = await harness.parse(
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\naωb\r\n"
                    + "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
                    + "Content-Type: application/octet-stream\r\n\r\n\r\n--\(boundary)--\r\n"
            )
            #expect(outcome.contents == ["aωb", ""])
            #expect(outcome.heads.last == PartHead(name: "file", filename: "", contentType: "application/octet-stream"))
            #expect(outcome.messageEnded && outcome.error == nil)
        }
    }

    /// .NET writes a quoted boundary, unquoted names and filename* as well.
    @Test("a message of .NET is read") func dotNet() async throws {
        let boundary = try Boundary(contentType: "multipart/form-data; boundary=\"5e9d5f0a-1b2c\"")
        let outcome = await ParserHarness(boundary: boundary).parse(
            "--5e9d5f0a-1b2c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
                + "--5e9d5f0a-1b2c\r\nContent-Disposition: form-data; name=b; filename=f.txt; filename*=utf-8''f.txt\r\n\r\ny\r\n"
                + "--5e9d5f0a-1b2c--\r\n"
        )
        #expect(outcome.contents == ["x", "y"])
        #expect(outcome.heads.map(\.filename) == [nil, "f.txt"])
    }

    @Test("a quoted boundary with spaces and equals signs is read") func quotedBoundary() async throws {
        let boundary = try Boundary(contentType: "multipart/form-data; boundary=\"=_a b=:(c)\"; charset=utf-8")
        let outcome = await ParserHarness(boundary: boundary).parse(
            "--=_a b=:(c)\r\nContent-Disposition: form-data; name=a\r\n\r\n--=_a b=\r\n--=_a b=:(c)--"
        )
        #expect(outcome.contents == ["--=_a b="])
        #expect(outcome.error == nil)
    }

    @Test("unknown header fields are kept") func otherFields() async throws {
        let head = try await heads(
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: binary\r\nContent-Length: 7"
        )
        #expect(head?.otherFields.map(\.name) == ["Content-Transfer-Encoding", "Content-Length"])
    }
}
