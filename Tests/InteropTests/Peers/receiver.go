// A server by other hands, for the interop tests: Go's net/http and mime/multipart, streaming, with
// compress/gzip and compress/zlib before them.
// Prints its address, and answers each request with what it read, as JSON.
package main

import (
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
)

type part struct {
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
}

type answer struct {
	Parts  []part `json:"parts"`
	Remote string `json:"remote"`
	Length int64  `json:"length"`
}

// The body without its content coding. Reading it to its end checks its checksum.
func decoded(r *http.Request) (io.ReadCloser, error) {
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		return gzip.NewReader(r.Body)
	case "deflate":
		return zlib.NewReader(r.Body)
	default:
		return r.Body, nil
	}
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := decoded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = body
	reader, err := r.MultipartReader()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result := answer{Remote: r.RemoteAddr, Length: r.ContentLength}
	for {
		p, err := reader.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		hash := sha256.New()
		size, err := io.Copy(hash, p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		result.Parts = append(result.Parts, part{
			p.FormName(), p.FileName(), p.Header.Get("Content-Type"), size, hex.EncodeToString(hash.Sum(nil)),
		})
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(result)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	http.Serve(listener, http.HandlerFunc(receive))
}
