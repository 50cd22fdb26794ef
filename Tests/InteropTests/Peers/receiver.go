// A server by other hands, for the interop tests: Go's net/http and mime/multipart, streaming.
// Prints its address, and answers each request with what it read, as JSON.
package main

import (
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

func receive(w http.ResponseWriter, r *http.Request) {
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
