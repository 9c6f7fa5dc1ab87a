package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// Writes the key that the API server signs tokens of ServiceAccounts with. It is made for each bed, so that no private
// key is kept in the repository.
func newKey() {
	if err := writeKey(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "new-key:", err)
		os.Exit(1)
	}
}

func writeKey(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("needs the file to write, and nothing else")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(arguments[0], pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
